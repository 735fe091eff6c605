//! `--https`: a certificate for this machine, of an authority that can sign no other.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use local_data::{DataFolder, HTTPS_AUTHORITY_FILE_NAME, HTTPS_FILE_NAME, private_file};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use token::Timestamp;
use tokio_rustls::TlsAcceptor;

/// Browsers of Apple take none that is good for longer than 825 days, even of an authority that its user added.
const LIFE: Duration = Duration::days(365);
/// A certificate that ends sooner is made anew when the server starts.
const LEAST: Duration = Duration::days(14);
/// The names and addresses of this machine for itself.
const HOST: &str = "localhost";
const ADDRESS: [u8; 4] = [127, 0, 0, 1];

/// Why the server cannot serve HTTPS.
#[derive(Debug, thiserror::Error)]
pub enum HttpsError {
    /// A file of the data folder.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file of the certificate is damaged.
    #[error("cannot use the certificate in {}; delete the file, and the server makes another", .0.display())]
    Damaged(PathBuf),
    /// The machine's clock is beyond the years that a certificate can have.
    #[error("cannot make a certificate: the clock of this machine is wrong")]
    Clock,
    /// The certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    NotMade(#[from] rcgen::Error),
    /// TLS itself.
    #[error("cannot use TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// The acceptor of TLS connections, with the certificate in `folder`; makes one if there is none or it is about to expire.
pub(crate) fn acceptor(folder: &DataFolder, now: Timestamp) -> Result<TlsAcceptor, HttpsError> {
    let path = folder.path().join(HTTPS_FILE_NAME);
    let authority_path = folder.path().join(HTTPS_AUTHORITY_FILE_NAME);
    let stored = match Stored::read(&path)? {
        Some(stored)
            if now.seconds().saturating_add(LEAST.whole_seconds().unsigned_abs()) < stored.expires =>
        {
            stored
        }
        Some(_about_to_expire) => {
            let stored = Stored::new(now)?;
            private_file::replace(&path, stored.to_json().as_bytes())
                .map_err(|source| failed(&path, source))?;
            stored
        }
        None => {
            let stored = Stored::new(now)?;
            match private_file::write_new(&path, stored.to_json().as_bytes()) {
                // Another server was quicker, and its certificate is the one of this folder.
                Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => {
                    Stored::read(&path)?.ok_or_else(|| HttpsError::Damaged(path.clone()))?
                }
                written => written.map(|()| stored).map_err(|source| failed(&path, source))?,
            }
        }
    };
    // Again at each start, so that it is there and is the one that signed.
    private_file::replace(&authority_path, stored.authority.as_bytes())
        .map_err(|source| failed(&authority_path, source))?;
    let damaged = || HttpsError::Damaged(path.clone());
    let chain = CertificateDer::pem_slice_iter(stored.certificate.as_bytes());
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|_| damaged())?;
    let key = PrivatePkcs8KeyDer::from_pem_slice(stored.key.as_bytes()).map_err(|_| damaged())?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::Pkcs8(key))
        .map_err(|_do_not_match| damaged())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn failed(path: &Path, source: io::Error) -> HttpsError {
    HttpsError::File { path: path.to_owned(), source }
}

/// What is in [`HTTPS_FILE_NAME`].
struct Stored {
    /// Whom to trust, in PEM as the others are.
    authority: String,
    certificate: String,
    key: String,
    /// Seconds since 1970.
    expires: u64,
}

impl Stored {
    /// What is in the file at `path`; none where there is no file.
    fn read(path: &Path) -> Result<Option<Self>, HttpsError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map(Some).ok_or_else(|| HttpsError::Damaged(path.to_owned())),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(failed(path, source)),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let stored: Value = serde_json::from_str(text).ok()?;
        let member = |name| Some(stored.get(name)?.as_str()?.to_owned());
        Some(Self {
            authority: member("authority")?,
            certificate: member("certificate")?,
            key: member("key")?,
            expires: stored.get("expires")?.as_u64()?,
        })
    }

    fn to_json(&self) -> String {
        let Self { authority, certificate, key, expires } = self;
        json!({ "authority": authority, "certificate": certificate, "key": key, "expires": expires })
            .to_string()
    }

    /// An authority, which signs one certificate and is then without its key, and that certificate.
    fn new(now: Timestamp) -> Result<Self, HttpsError> {
        let now =
            i64::try_from(now.seconds()).ok().and_then(|now| OffsetDateTime::from_unix_timestamp(now).ok());
        let begins = now.and_then(|now| now.checked_sub(Duration::days(1))).ok_or(HttpsError::Clock)?;
        let ends = begins.checked_add(LIFE).ok_or(HttpsError::Clock)?;
        let params = |name: &str, names: &[String]| -> Result<CertificateParams, rcgen::Error> {
            let mut params = CertificateParams::new(names)?;
            params.distinguished_name.push(DnType::CommonName, name);
            (params.not_before, params.not_after) = (begins, ends);
            Ok(params)
        };
        let mut authority = params("Latchkey on this machine", &[])?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        // Whoever trusts it trusts it for this machine alone, even if its key were not forgotten.
        let subnet = CidrSubnet::V4(ADDRESS, [255; 4]);
        let permitted_subtrees =
            vec![GeneralSubtree::DnsName(HOST.to_owned()), GeneralSubtree::IpAddress(subnet)];
        authority.name_constraints =
            Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

        let key = KeyPair::generate()?;
        let [a, b, c, d] = ADDRESS;
        let mut server = params(HOST, &[HOST.to_owned(), format!("{a}.{b}.{c}.{d}")])?;
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let server = server.signed_by(&key, &authority)?;
        Ok(Self {
            authority: authority.as_ref().pem(),
            certificate: server.pem(),
            key: key.serialize_pem(),
            expires: ends.unix_timestamp().unsigned_abs(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_anew_before_it_ends_and_not_sooner() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::create(folder.path()).unwrap();
        let authority = || fs::read(folder.path().join(HTTPS_AUTHORITY_FILE_NAME)).unwrap();
        let at = |days: u64| Timestamp::from_seconds(1_764_244_800 + days * 86_400).unwrap();
        acceptor(&data, at(0)).unwrap();
        let first = authority();
        acceptor(&data, at(349)).unwrap();
        assert_eq!(authority(), first);
        acceptor(&data, at(350)).unwrap();
        let second = authority();
        assert_ne!(second, first);
        fs::remove_file(folder.path().join(HTTPS_AUTHORITY_FILE_NAME)).unwrap();
        acceptor(&data, at(350)).unwrap();
        assert_eq!(authority(), second, "the one that signed is there again");
    }

    #[test]
    fn of_many_servers_that_begin_in_one_folder_all_have_the_certificate_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::create(folder.path()).unwrap();
        let now = Timestamp::from_seconds(1_764_244_800).unwrap();
        std::thread::scope(|threads| {
            for _ in 0..8 {
                threads.spawn(|| acceptor(&data, now).map(drop).unwrap());
            }
        });
        let stored = Stored::read(&folder.path().join(HTTPS_FILE_NAME)).unwrap().unwrap();
        let told = fs::read_to_string(folder.path().join(HTTPS_AUTHORITY_FILE_NAME)).unwrap();
        assert_eq!(told, stored.authority);
    }

    #[test]
    fn a_clock_beyond_every_calendar_is_no_panic() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::create(folder.path()).unwrap();
        let late = Timestamp::from_seconds((1 << 53) - 1).unwrap();
        assert!(matches!(acceptor(&data, late), Err(HttpsError::Clock)));
    }
}
