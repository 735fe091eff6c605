use std::{collections::BTreeSet, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::NamedGroup;

use super::*;

/// Some root, and a certificate that it gave to `localhost`.
struct Authority {
    roots: RootCertStore,
    certificate: CertificateDer<'static>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(root.as_ref().der().clone()).unwrap();
        let server = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let server = server.signed_by(&KeyPair::generate().unwrap(), &root).unwrap();
        Self { roots, certificate: server.der().clone() }
    }

    fn verifier(&self) -> Option<Arc<WebPkiServerVerifier>> {
        verifier(self.roots.clone(), &provider())
    }

    /// What `verifier` says of this server, under this name, so many seconds from now.
    fn shown_to(&self, verifier: &AmazonFirst, name: &'static str, later: u64) -> Result<(), Error> {
        let time = UnixTime::since_unix_epoch(Duration::from_secs(UnixTime::now().as_secs() + later));
        let name = ServerName::try_from(name).unwrap();
        verifier.verify_server_cert(&self.certificate, &[], &name, &[], time).map(drop)
    }
}

fn is_of(problem: &Result<(), Error>, kind: fn(&CertificateError) -> bool) -> bool {
    matches!(problem, Err(Error::InvalidCertificate(reason)) if kind(reason))
}

/// Beyond the year 4096, in which certificates of rcgen end.
const AGES: u64 = 5_000 * 365 * 86_400;

#[test]
fn the_system_s_roots_vouch_for_a_name_and_a_time_too() {
    let (amazon, system) = (Authority::new("amazon"), Authority::new("system"));
    let both = AmazonFirst {
        amazon: amazon.verifier(),
        system: OnceLock::from(system.verifier()),
        provider: provider(),
    };
    for authority in [&amazon, &system] {
        assert_eq!(authority.shown_to(&both, "localhost", 0), Ok(()));
        let other = authority.shown_to(&both, "example.com", 0);
        assert!(
            is_of(&other, |reason| matches!(reason, CertificateError::NotValidForNameContext { .. })),
            "{other:?}"
        );
        let expired = authority.shown_to(&both, "localhost", AGES);
        assert!(
            is_of(&expired, |reason| matches!(reason, CertificateError::ExpiredContext { .. })),
            "{expired:?}"
        );
    }
    let nobody = Authority::new("nobody").shown_to(&both, "localhost", 0);
    assert!(is_of(&nobody, |reason| *reason == CertificateError::UnknownIssuer), "{nobody:?}");
}

#[test]
fn the_system_s_roots_are_not_read_for_what_amazon_s_can_tell() {
    let authority = Authority::new("amazon");
    let amazon = AmazonFirst { amazon: authority.verifier(), system: OnceLock::new(), provider: provider() };
    assert_eq!(authority.shown_to(&amazon, "localhost", 0), Ok(()));
    assert!(authority.shown_to(&amazon, "example.com", 0).is_err());
    assert!(authority.shown_to(&amazon, "localhost", AGES).is_err());
    assert!(amazon.system.get().is_none());
}

#[test]
fn the_roots_are_those_that_mozilla_trusts_and_calls_amazon_s() {
    let ours: BTreeSet<_> = AMAZON.map(<[u8]>::to_vec).into();
    let named = |der: &&CertificateDer<'_>| {
        ["Amazon Root CA ", "Starfield Services Root Certificate Authority - G2"]
            .iter()
            .any(|name| der.windows(name.len()).any(|bytes| bytes == name.as_bytes()))
    };
    let mozilla = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter(named);
    assert_eq!(ours, mozilla.map(|der| der.to_vec()).collect());
    let mut store = RootCertStore::empty();
    assert_eq!(store.add_parsable_certificates(AMAZON.map(CertificateDer::from)), (5, 0));
    assert!(verifier(store, &provider()).is_some());
}

#[test]
fn a_file_without_certificates_is_rejected() {
    let certificate = pem::encode(&pem::Pem::new("CERTIFICATE", AMAZON[0]));
    assert!(trusting(certificate.as_bytes()).is_ok());
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

#[test]
fn tls_prefers_post_quantum_keys_and_the_cheaper_hash() {
    let provider = provider();
    assert_eq!(provider.kx_groups[0].name(), NamedGroup::X25519MLKEM768);
    assert_eq!(provider.cipher_suites[0].suite(), CipherSuite::TLS13_AES_128_GCM_SHA256);
}
