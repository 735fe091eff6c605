//! TLS, and whose certificates are believed.
//!
//! Amazon's own roots, five certificates in the binary: reading the system's 140 costs milliseconds of each cold
//! start. A certificate that none of them vouches for is asked about again with the system's roots: the day AWS moves to
//! others, or a proxy of one's own stands in between, the functions start slower and go on.

use std::sync::{Arc, OnceLock};

use rustls::{
    CertificateError, CipherSuite, ClientConfig, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tracing::warn;

/// Amazon Root CA 1 to 4 and Starfield Services Root G2, which <https://www.amazontrust.com/repository/> publishes.
const AMAZON: [&[u8]; 5] = [
    include_bytes!("../data/amazon-root-ca-1.der"),
    include_bytes!("../data/amazon-root-ca-2.der"),
    include_bytes!("../data/amazon-root-ca-3.der"),
    include_bytes!("../data/amazon-root-ca-4.der"),
    include_bytes!("../data/starfield-services-root-g2.der"),
];

/// TLS that believes Amazon's roots, and the system's where those do not vouch for an endpoint.
pub(crate) fn trusting_amazon() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(AMAZON.map(CertificateDer::from));
    let provider = provider();
    let amazon = verifier(roots, &provider);
    tls(Arc::new(AmazonFirst { amazon, system: OnceLock::new(), provider: provider.clone() }), provider)
}

/// TLS that believes the certificates of this PEM file and no others.
pub(crate) fn trusting(pem: &[u8]) -> Result<ClientConfig, &'static str> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| "is not a PEM file")?;
        roots.add(certificate).map_err(|_| "holds a certificate that cannot be read")?;
    }
    let provider = provider();
    let verifier = verifier(roots, &provider).ok_or("holds no certificate")?;
    Ok(tls(verifier, provider))
}

/// The crypto library of everything here. Of two cipher suites that are as good the one with the cheaper hash comes first;
/// a server may see it otherwise.
fn provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    Arc::new(provider)
}

#[expect(clippy::expect_used, reason = "the provider has suites of both versions of TLS, whatever the input")]
fn tls(verifier: Arc<dyn ServerCertVerifier>, provider: Arc<CryptoProvider>) -> ClientConfig {
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth()
}

/// None if there are no roots.
fn verifier(roots: RootCertStore, provider: &Arc<CryptoProvider>) -> Option<Arc<WebPkiServerVerifier>> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build().ok()
}

/// Two verifiers, of which the second is made when it is first needed.
#[derive(Debug)]
struct AmazonFirst {
    amazon: Option<Arc<WebPkiServerVerifier>>,
    system: OnceLock<Option<Arc<WebPkiServerVerifier>>>,
    provider: Arc<CryptoProvider>,
}

impl AmazonFirst {
    fn system(&self) -> Option<&WebPkiServerVerifier> {
        let read = || {
            let (mut roots, found) = (RootCertStore::empty(), rustls_native_certs::load_native_certs());
            let (count, _) = roots.add_parsable_certificates(found.certs);
            let problem = found.errors.first().map(ToString::to_string);
            warn!(
                event = "roots",
                count, problem, "Amazon's roots do not vouch for an endpoint: now trusting the system's too"
            );
            verifier(roots, &self.provider)
        };
        self.system.get_or_init(read).as_deref()
    }
}

impl ServerCertVerifier for AmazonFirst {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let ask = |roots: Option<&WebPkiServerVerifier>| match roots {
            Some(roots) => roots.verify_server_cert(certificate, intermediates, name, ocsp, now),
            None => Err(unknown.clone()),
        };
        match ask(self.amazon.as_deref()) {
            Err(problem) if problem == unknown => ask(self.system()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
#[path = "roots_tests.rs"]
mod tests;
