//! The HTTPS client of every AWS call, and whose certificates it believes.
//!
//! Amazon's own roots, five certificates in the binary: reading the system's 140 costs milliseconds of each cold
//! start. An endpoint whose certificate none of them vouches for is asked again with the system's roots: the
//! day AWS moves to others, or a proxy of one's own stands in between, the functions start slower and go on.

use std::{
    error::Error,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use lambda_http::tracing::warn;
use rustls::{
    CertificateError, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// Amazon Root CA 1 to 4 and Starfield Services Root G2, which <https://www.amazontrust.com/repository/> publishes.
const AMAZON_ROOTS: &[u8] = include_bytes!("../data/amazon-roots.pem");

/// A client that believes Amazon's roots, and the system's where those do not vouch for an endpoint.
pub(crate) fn trusting_amazon() -> SharedHttpClient {
    let client = |roots| trusting(roots).unwrap_or_else(|_| trusting_store(TrustStore::default()));
    SharedHttpClient::new(WithFallback {
        amazon: client(AMAZON_ROOTS),
        system: trusting_store(TrustStore::default()),
        fell_back: Arc::default(),
    })
}

/// A client that believes the certificates of this PEM file and no others.
pub(crate) fn trusting(pem: &[u8]) -> Result<SharedHttpClient, &'static str> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        // Tried here, for the SDK would panic at its first call.
        let certificate = certificate.map_err(|_| "is not a PEM file")?;
        roots.add(certificate).map_err(|_| "holds a certificate that cannot be read")?;
    }
    if roots.is_empty() {
        return Err("holds no certificate");
    }
    Ok(trusting_store(TrustStore::empty().with_pem_certificate(pem)))
}

fn trusting_store(roots: TrustStore) -> SharedHttpClient {
    let builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    match TlsContext::builder().with_trust_store(roots).build() {
        Ok(context) => builder.tls_context(context).build_https(),
        Err(_) => builder.build_https(),
    }
}

/// Two clients, of which the second is made when it is first needed.
#[derive(Clone, Debug)]
struct WithFallback {
    amazon: SharedHttpClient,
    system: SharedHttpClient,
    /// Whether the first has failed once; from there on the second is asked at once.
    fell_back: Arc<AtomicBool>,
}

impl HttpClient for WithFallback {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        if self.fell_back.load(Ordering::Relaxed) {
            return self.system.http_connector(settings, components);
        }
        SharedHttpConnector::new(TryAmazonFirst {
            client: self.clone(),
            settings: settings.clone(),
            components: components.clone(),
        })
    }
}

#[derive(Debug)]
struct TryAmazonFirst {
    client: WithFallback,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for TryAmazonFirst {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let again = request.try_clone();
        let answering = self.client.amazon.http_connector(&self.settings, &self.components).call(request);
        let (client, settings, components) =
            (self.client.clone(), self.settings.clone(), self.components.clone());
        HttpConnectorFuture::new(async move {
            match (answering.await, again) {
                (Err(problem), Some(request)) if is_of_unknown_issuer(&problem) => {
                    if !client.fell_back.swap(true, Ordering::Relaxed) {
                        warn!(
                            event = "roots",
                            "Amazon's roots vouch for no endpoint: now trusting the system's"
                        );
                    }
                    client.system.http_connector(&settings, &components).call(request).await
                }
                (answer, _) => answer,
            }
        })
    }
}

/// Whether a connection failed because no root vouches for the certificate that the other side showed.
fn is_of_unknown_issuer(problem: &(dyn Error + 'static)) -> bool {
    let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
    let mut next = Some(problem);
    while let Some(error) = next {
        if error.downcast_ref() == Some(&unknown) {
            return true;
        }
        // What an `io::Error` wraps is not among its sources.
        next = match error.downcast_ref::<io::Error>() {
            Some(wrapper) => wrapper.get_ref().map(|wrapped| wrapped as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_roots_are_those_that_mozilla_trusts_and_calls_amazon_s() {
        let ours: BTreeSet<_> =
            CertificateDer::pem_slice_iter(AMAZON_ROOTS).map(|der| der.unwrap().to_vec()).collect();
        let named = |der: &&CertificateDer<'_>| {
            ["Amazon Root CA ", "Starfield Services Root Certificate Authority - G2"]
                .iter()
                .any(|name| der.windows(name.len()).any(|bytes| bytes == name.as_bytes()))
        };
        let mozilla = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter(named);
        assert_eq!(ours, mozilla.map(|der| der.to_vec()).collect());
        assert_eq!(ours.len(), 5);
        assert!(trusting(AMAZON_ROOTS).is_ok());
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let certificate = String::from_utf8(AMAZON_ROOTS.to_vec()).unwrap();
        for (pem, problem) in [
            ("", "holds no certificate"),
            ("a text", "holds no certificate"),
            ("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "is not a PEM file"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "holds a certificate that cannot be read",
            ),
            (&certificate.replace("-----END CERTIFICATE-----", ""), "is not a PEM file"),
        ] {
            assert_eq!(trusting(pem.as_bytes()).err(), Some(problem), "{pem:.40}");
        }
    }
}
