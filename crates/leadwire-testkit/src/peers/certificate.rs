//! Certificates for servers on the loopback interface, made anew for each test.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};

/// A server's certificate for `localhost` and `127.0.0.1`, with the authority that signed it. All are PEM.
pub struct ServerCertificate {
    /// What a client must trust.
    pub authority_pem: String,
    /// What the server shows.
    pub chain_pem: String,
    /// The key to it.
    pub key_pem: String,
}

impl ServerCertificate {
    /// Makes one by a new authority.
    pub fn for_loopback() -> Self {
        let mut authority = CertificateParams::new(Vec::new()).expect("no names are fine names");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Named alike, which is what rcgen does by itself, the server's certificate counts as its own issuer.
        authority.distinguished_name.push(DnType::CommonName, "Authority of a test");
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority_key = KeyPair::generate().expect("a key");
        let authority_pem = authority.self_signed(&authority_key).expect("a certificate").pem();
        let issuer = Issuer::new(authority, authority_key);

        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut server = CertificateParams::new(names).expect("names");
        server.distinguished_name.push(DnType::CommonName, "localhost");
        server.not_before = date_time_ymd(2020, 1, 1);
        server.not_after = date_time_ymd(2099, 1, 1);
        // Python from 3.13 on insists on it.
        server.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().expect("a key");
        let chain_pem = server.signed_by(&key, &issuer).expect("a certificate").pem();
        Self { authority_pem, chain_pem, key_pem: key.serialize_pem() }
    }
}
