//! `--https`: a certificate for this machine, of an authority that can sign no other.

use std::{io, path::PathBuf, sync::Arc};

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
    /// The certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    NotMade(#[from] rcgen::Error),
    /// TLS itself.
    #[error("cannot use TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// What takes TLS connections with the certificate of `folder`, made now if there is none or it is about to end.
pub(crate) fn acceptor(folder: &DataFolder, now: Timestamp) -> Result<TlsAcceptor, HttpsError> {
    let path = folder.path().join(HTTPS_FILE_NAME);
    let stored = match std::fs::read_to_string(&path) {
        Ok(text) => Some(Stored::parse(&text).ok_or_else(|| HttpsError::Damaged(path.clone()))?),
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(HttpsError::File { path, source }),
    };
    // Whom to trust must be there too.
    let stored = stored.filter(|_| folder.path().join(HTTPS_AUTHORITY_FILE_NAME).exists());
    let lasting =
        stored.filter(|stored| now.seconds() + LEAST.whole_seconds().unsigned_abs() < stored.expires);
    let stored = match lasting {
        Some(stored) => stored,
        None => make(folder, now)?,
    };
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

/// What is in [`HTTPS_FILE_NAME`].
struct Stored {
    certificate: String,
    key: String,
    /// Seconds since 1970.
    expires: u64,
}

impl Stored {
    fn parse(text: &str) -> Option<Self> {
        let stored: Value = serde_json::from_str(text).ok()?;
        let member = |name| Some(stored.get(name)?.as_str()?.to_owned());
        Some(Self {
            certificate: member("certificate")?,
            key: member("key")?,
            expires: stored.get("expires")?.as_u64()?,
        })
    }
}

/// An authority that signs one certificate and is then without its key, and that certificate.
fn make(folder: &DataFolder, now: Timestamp) -> Result<Stored, HttpsError> {
    let begins =
        OffsetDateTime::UNIX_EPOCH + Duration::seconds(now.seconds().cast_signed()) - Duration::days(1);
    let ends = begins + LIFE;
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
    let permitted = vec![GeneralSubtree::DnsName(HOST.to_owned()), GeneralSubtree::IpAddress(subnet)];
    authority.name_constraints =
        Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() });
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let key = KeyPair::generate()?;
    let [a, b, c, d] = ADDRESS;
    let mut server = params(HOST, &[HOST.to_owned(), format!("{a}.{b}.{c}.{d}")])?;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let server = server.signed_by(&key, &authority)?;

    let stored = Stored {
        certificate: server.pem(),
        key: key.serialize_pem(),
        expires: ends.unix_timestamp().unsigned_abs(),
    };
    let text = json!({ "certificate": stored.certificate, "key": stored.key, "expires": stored.expires });
    for (name, content) in
        [(HTTPS_AUTHORITY_FILE_NAME, authority.as_ref().pem()), (HTTPS_FILE_NAME, text.to_string())]
    {
        let path = folder.path().join(name);
        private_file::replace(&path, content.as_bytes())
            .map_err(|source| HttpsError::File { path: path.clone(), source })?;
    }
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_anew_before_it_ends_and_not_sooner() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::create(folder.path()).unwrap();
        let authority = || std::fs::read(folder.path().join(HTTPS_AUTHORITY_FILE_NAME)).unwrap();
        let at = |days: u64| Timestamp::from_seconds(1_764_244_800 + days * 86_400).unwrap();
        acceptor(&data, at(0)).unwrap();
        let first = authority();
        acceptor(&data, at(349)).unwrap();
        assert_eq!(authority(), first);
        acceptor(&data, at(350)).unwrap();
        let second = authority();
        assert_ne!(second, first);
        std::fs::remove_file(folder.path().join(HTTPS_AUTHORITY_FILE_NAME)).unwrap();
        acceptor(&data, at(350)).unwrap();
        assert_ne!(authority(), second, "an authority that is gone cannot be trusted");
    }
}
