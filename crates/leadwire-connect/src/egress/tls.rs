//! Sets up TLS for outgoing connections: which authorities are trusted, and by which name a server is known.

use leadwire_core::secret::Secret;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, IpAddr as PkiIpAddr, PrivateKeyDer, ServerName};
use rustls_platform_verifier::Verifier;
use std::net::IpAddr;
use std::sync::Arc;
use tokio_rustls::TlsConnector;
use url::Host;

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum BadTls {
    /// The extra certificates are not PEM, or hold no certificate.
    #[error("the extra CA certificates are not PEM certificates")]
    ExtraCa,
    /// The client certificate is not PEM, or holds no certificate.
    #[error("the client certificate is not in PEM")]
    Certificate,
    /// The key of the client certificate is not a private key in PEM.
    #[error("the key of the client certificate is not a private key in PEM")]
    Key,
    /// The TLS library refused the configuration or a certificate.
    #[error("TLS could not be set up: {0}")]
    Library(#[from] rustls::Error),
}

/// What a destination wants of TLS beside the usual.
#[derive(Clone, Default)]
pub struct TlsWishes {
    /// Certificates of further authorities, in PEM; beside those of the machine.
    pub authorities_pem: Option<String>,
    /// The certificate by which Leadwire shows who it is, with its chain, and its key; both in PEM.
    pub identity_pem: Option<(String, Secret<String>)>,
}

impl TlsWishes {
    /// Whether nothing is wished for.
    pub fn is_usual(&self) -> bool {
        self.authorities_pem.is_none() && self.identity_pem.is_none()
    }

    /// Tries whether a connector can be made of them.
    ///
    /// # Errors
    /// When a text is not what it should be, or the key is not that of the certificate.
    pub fn check(&self) -> Result<(), BadTls> {
        connector(None, self).map(drop)
    }
}

/// A connector that trusts the authorities of this machine, or Mozilla's list where the machine has none (as in
/// an empty container), and in either case those of `extra_ca_pem`.
pub(super) fn connector(extra_ca_pem: Option<&[u8]>, wishes: &TlsWishes) -> Result<TlsConnector, BadTls> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut extra = match extra_ca_pem {
        Some(pem) => read_pem(pem)?,
        None => Vec::new(),
    };
    if let Some(pem) = &wishes.authorities_pem {
        extra.extend(read_pem(pem.as_bytes())?);
    }
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match platform(&extra, &provider)? {
        Some(verifier) => builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)),
        None => {
            let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            for certificate in extra {
                roots.add(certificate)?;
            }
            builder.with_root_certificates(roots)
        }
    };
    let mut config = match &wishes.identity_pem {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = read_pem(chain.as_bytes()).map_err(|_| BadTls::Certificate)?;
            let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(|_| BadTls::Key)?;
            builder.with_client_auth_cert(chain, key)?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The machine's own verifier; none when the machine has no authorities. Asked without the extra ones first,
/// because with them an empty machine would not be an error and only they would be trusted.
fn platform(
    extra: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Verifier>, BadTls> {
    match Verifier::new(Arc::clone(provider)) {
        Err(_) => Ok(None),
        Ok(verifier) if extra.is_empty() => Ok(Some(verifier)),
        Ok(_) => Ok(Some(Verifier::new_with_extra_roots(extra.to_vec(), Arc::clone(provider))?)),
    }
}

fn read_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, BadTls> {
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| BadTls::ExtraCa)?;
    if found.is_empty() { Err(BadTls::ExtraCa) } else { Ok(found) }
}

/// The name to ask for and to find in the certificate; none when the host cannot be one.
pub(super) fn server_name(host: &Host<&str>) -> Option<ServerName<'static>> {
    match host {
        // A name in a certificate has no trailing dot (RFC 6066, 3).
        Host::Domain(name) => ServerName::try_from(name.strip_suffix('.').unwrap_or(name).to_owned()).ok(),
        Host::Ipv4(ip) => Some(ServerName::IpAddress(PkiIpAddr::from(IpAddr::V4(*ip)))),
        Host::Ipv6(ip) => Some(ServerName::IpAddress(PkiIpAddr::from(IpAddr::V6(*ip)))),
    }
}
