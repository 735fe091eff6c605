use std::{path::Path, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_RSA_SHA256, RsaKeySize,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};

/// The certificate authority of one run: a root, an intermediate, and a server `localhost`, all RSA with 2048 bits.
///
/// AWS shows such a chain too, so that a client has as many signatures to verify.
pub struct Authority {
    root_pem: String,
    chain: Vec<CertificateDer<'static>>,
    server_key: KeyPair,
}

impl Authority {
    pub fn new() -> Self {
        let rsa = || KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let params = |name: &str, names: &[String]| {
            let mut params = CertificateParams::new(names).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            params
        };
        let issuer = |name| {
            let mut params = params(name, &[]);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
            params
        };
        let root = CertifiedIssuer::self_signed(issuer("bench root"), rsa()).unwrap();
        let middle = CertifiedIssuer::signed_by(issuer("bench intermediate"), rsa(), &root).unwrap();
        let server_key = rsa();
        let server = params("localhost", &["localhost".to_owned()]).signed_by(&server_key, &middle).unwrap();
        let chain = vec![server.der().clone(), middle.as_ref().der().clone()];
        Self { root_pem: root.as_ref().pem(), chain, server_key }
    }

    /// The root, as text.
    pub fn root(&self) -> &str {
        &self.root_pem
    }

    /// Writes what `AWS_CA_BUNDLE` names: Amazon's roots, which a function has to read anyway, and this one.
    pub fn write_bundle(&self, file: &Path) {
        std::fs::write(file, format!("{}{}", Self::amazon(), self.root_pem)).unwrap();
    }

    /// Amazon's roots, as text.
    pub fn amazon() -> String {
        let roots: [&[u8]; 5] = [
            include_bytes!("../../shared/aws/data/amazon-root-ca-1.der"),
            include_bytes!("../../shared/aws/data/amazon-root-ca-2.der"),
            include_bytes!("../../shared/aws/data/amazon-root-ca-3.der"),
            include_bytes!("../../shared/aws/data/amazon-root-ca-4.der"),
            include_bytes!("../../shared/aws/data/starfield-services-root-g2.der"),
        ];
        roots.map(|root| pem::encode(&pem::Pem::new("CERTIFICATE", root))).concat()
    }

    /// What the server `localhost` is configured with.
    pub fn server(&self) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::try_from(self.server_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Arc::new(config.with_no_client_auth().with_single_cert(self.chain.clone(), key).unwrap())
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}
