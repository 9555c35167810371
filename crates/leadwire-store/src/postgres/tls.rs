//! TLS to a database server: its certificate is of a known authority and has the name in the address, or nothing is said
//! to it.
//!
//! An adapter of our own, since all that is needed is the library that the client to destinations uses already.

use leadwire_core::audit::sha256;
use rustls::client::WantsClientCert;
use rustls::crypto::aws_lc_rs;
use rustls::{CertificateError, ClientConfig, ConfigBuilder, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls_platform_verifier::Verifier;
use std::future::Future;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

/// What a node shows to a server that asks who it is: files in PEM, as libpq names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// The certificate, and those between it and an authority behind it.
    pub(super) certificate: PathBuf,
    /// Its key, not encrypted.
    pub(super) key: PathBuf,
}

/// How a connection is made secret, and whom it trusts.
#[derive(Clone)]
pub(super) struct Tls(TlsConnector);

impl Tls {
    /// Trusts the authorities in a file alone; without one those of this machine, or Mozilla's list where it has none.
    ///
    /// # Errors
    /// A file that cannot be read or holds something else, in words for people.
    pub(super) fn trusting(authorities: Option<&Path>, identity: Option<&Identity>) -> Result<Self, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let unusable = |error: rustls::Error| format!("TLS cannot be set up: {error}");
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let builder = match (authorities, Verifier::new(provider)) {
            (Some(file), _) => builder.with_root_certificates(read(file)?),
            (None, Ok(verifier)) => builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)),
            (None, Err(_)) => {
                let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
                builder.with_root_certificates(roots)
            }
        };
        let mut config = match identity {
            Some(it) => it.shown_by(builder)?,
            None => builder.with_no_client_auth(),
        };
        // Servers from version 17 on that are spoken to without a question first insist on it.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }
}

impl Identity {
    /// Has a client show it.
    fn shown_by(
        &self,
        builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    ) -> Result<ClientConfig, String> {
        let (certificate, key) = (self.certificate.display(), self.key.display());
        let pem = std::fs::read(&self.certificate).map_err(|error| {
            format!("the certificate of `sslcert` cannot be read from {certificate}: {error}")
        })?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let chain = chain.map_err(|error| {
            format!("{certificate}, which `sslcert` names, is not PEM certificates: {error}")
        })?;
        if chain.is_empty() {
            return Err(format!("{certificate}, which `sslcert` names, holds no certificate"));
        }
        let unread = |error: io::Error| format!("the key of `sslkey` cannot be read from {key}: {error}");
        let mode = std::fs::metadata(&self.key).map_err(unread)?.permissions().mode();
        // A group may read it, as secrets are given to containers; anybody else who can could be this node.
        if mode & 0o037 != 0 {
            return Err(format!(
                "{key}, which `sslkey` names, is open to others (mode {:04o}): chmod 600 {key}",
                mode & 0o777
            ));
        }
        let pem = std::fs::read(&self.key).map_err(unread)?;
        let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| {
            format!("{key}, which `sslkey` names, is not a key in PEM without a password: {error}")
        })?;
        builder.with_client_auth_cert(chain, key).map_err(|error| {
            format!("the certificate of `sslcert` and the key of `sslkey` do not go together: {error}")
        })
    }
}

/// The authorities in a file.
fn read(file: &Path) -> Result<RootCertStore, String> {
    let shown = file.display();
    let pem = std::fs::read(file)
        .map_err(|error| format!("the authorities of `sslrootcert` cannot be read from {shown}: {error}"))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let added = certificate
            .map_err(|error| error.to_string())
            .and_then(|it| roots.add(it).map_err(|error| error.to_string()));
        added.map_err(|error| {
            format!("{shown}, which `sslrootcert` names, is not PEM certificates: {error}")
        })?;
    }
    if roots.is_empty() {
        return Err(format!("{shown}, which `sslrootcert` names, holds no certificate"));
    }
    Ok(roots)
}

impl<S> MakeTlsConnect<S> for Tls
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Secret<S>;
    type TlsConnect = Handshake;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<Handshake> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            io::Error::other(format!(
                "`{host}` can be no name in a certificate; correct the host in the address"
            ))
        })?;
        Ok(Handshake { connector: self.0.clone(), name })
    }
}

/// One handshake to be made.
pub(super) struct Handshake {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl<S> TlsConnect<S> for Handshake
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Secret<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Secret<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let host = self.name.to_str().into_owned();
            let made = self.connector.connect(self.name, stream).await;
            made.map(Secret).map_err(|error| explained(&host, error))
        })
    }
}

/// What is wrong with a server's certificate, and what to do.
fn explained(host: &str, error: io::Error) -> io::Error {
    let told = error.get_ref().and_then(|it| it.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::InvalidCertificate(wrong)) = told else { return error };
    let said = match wrong {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => format!(
            "the database server's certificate is not for `{host}`; write the name that it is for into the address, or give \
             the server one for this name"
        ),
        CertificateError::UnknownIssuer => format!(
            "the authority that signed the certificate of `{host}` is not known here; name a file with its certificate in the \
             address, as `sslrootcert=FILE`"
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("the certificate of `{host}` has expired; renew it on the database server")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => format!(
            "the certificate of `{host}` is not valid yet; look at this machine's clock, or at the certificate"
        ),
        other => format!("the certificate of `{host}` was refused: {other:?}"),
    };
    io::Error::other(said)
}

/// A stream that nobody else reads.
pub(super) struct Secret<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Secret<S> {
    /// Ties the sign-in to this very connection (RFC 5929, 4), where the certificate is signed with SHA-256.
    fn channel_binding(&self) -> ChannelBinding {
        let shown = self.0.get_ref().1.peer_certificates().and_then(<[_]>::first);
        match shown.filter(|it| is_signed_with_sha256(it)) {
            Some(certificate) => ChannelBinding::tls_server_end_point(sha256(certificate).to_vec()),
            None => ChannelBinding::none(),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Secret<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Secret<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// Object identifiers of signatures whose hash is SHA-256, or SHA-1, in whose place it is used: ECDSA and RSA.
const WITH_SHA256: &[&[u8]] = &[
    &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05],
];

/// Whether a certificate's second part, its kind of signature, is one of those (RFC 5280, 4.1).
fn is_signed_with_sha256(certificate: &[u8]) -> bool {
    let algorithm = || {
        let (whole, _) = part(certificate, 0x30)?;
        let (_, rest) = part(whole, 0x30)?;
        let (algorithm, _) = part(rest, 0x30)?;
        Some(part(algorithm, 0x06)?.0)
    };
    algorithm().is_some_and(|it| WITH_SHA256.contains(&it))
}

/// The content of the first part of an encoding (X.690, 8.1), if it is of that kind, and what comes after it.
fn part(bytes: &[u8], kind: u8) -> Option<(&[u8], &[u8])> {
    let (_, rest) = bytes.split_first().filter(|it| *it.0 == kind)?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*length) {
        short @ 0..0x80 => (short, rest),
        // As many bytes of length follow as the low bits say; a certificate needs two or three.
        long => {
            let (digits, rest) = rest.split_at_checked(long & 0x7f).filter(|it| it.0.len() <= 4)?;
            (digits.iter().fold(0, |all, it| all << 8 | usize::from(*it)), rest)
        }
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_encoding_are_told_apart_and_never_read_past_their_end() {
        assert_eq!(part(&[0x30, 2, 7, 8, 9], 0x30), Some((&[7, 8][..], &[9][..])));
        assert_eq!(part(&[0x30, 0x81, 1, 7], 0x30), Some((&[7][..], &[][..])));
        for cut in
            [&[][..], &[0x30], &[0x30, 2, 7], &[0x30, 0x82, 1], &[0x31, 0], &[0x30, 0x85, 0, 0, 0, 0, 1, 7]]
        {
            assert_eq!(part(cut, 0x30), None, "{cut:?}");
        }
    }

    #[test]
    fn a_file_of_authorities_that_is_none_is_told_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("root.pem");
        for text in [None, Some(""), Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")] {
            if let Some(text) = text {
                std::fs::write(&file, text).unwrap();
            }
            let Err(said) = Tls::trusting(Some(&file), None) else { panic!("it was taken: {text:?}") };
            assert!(said.contains("root.pem") && said.contains("sslrootcert"), "{said}");
        }
    }
}
