//! Configurations of rustls, for the libraries that take one.

use crate::{Endpoint, Outcome};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CipherSuite, DigitallySignedStruct, Error, KeyLogFile, SignatureScheme};
use std::sync::Arc;

fn provider(endpoint: &Endpoint) -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    if endpoint.is("chacha20") {
        provider.cipher_suites.retain(|suite| suite.suite() == CipherSuite::TLS13_CHACHA20_POLY1305_SHA256);
    }
    Arc::new(provider)
}

/// The suite that protects Initial packets (RFC 9001 §5.2), whatever TLS may use.
pub fn initial_suite() -> rustls::quic::Suite {
    aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().and_then(|suite| suite.quic_suite()).expect("a QUIC suite")
}

pub fn client(endpoint: &Endpoint) -> Outcome<Arc<rustls::ClientConfig>> {
    let provider = provider(endpoint);
    let mut config = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AcceptAnything(provider)))
        .with_no_client_auth();
    config.alpn_protocols = vec![endpoint.protocol().into()];
    config.enable_early_data = endpoint.is("zerortt");
    config.key_log = Arc::new(KeyLogFile::new());
    Ok(Arc::new(config))
}

pub fn server(endpoint: &Endpoint) -> Outcome<Arc<rustls::ServerConfig>> {
    let chain = CertificateDer::pem_file_iter(endpoint.cert())?.collect::<Result<_, _>>()?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider(endpoint))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(endpoint.key())?)?;
    config.alpn_protocols = vec![endpoint.protocol().into()];
    config.max_early_data_size = if endpoint.is("zerortt") { u32::MAX } else { 0 };
    config.key_log = Arc::new(KeyLogFile::new());
    Ok(Arc::new(config))
}

/// The chain of the amplification case is longer than what rustls verifies, and the runner starts that case as "transfer".
#[derive(Debug)]
struct AcceptAnything(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAnything {
    fn verify_server_cert(
        &self, _: &CertificateDer<'_>, _: &[CertificateDer<'_>], _: &ServerName<'_>, _: &[u8], _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self, _: &[u8], _: &CertificateDer<'_>, _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 has no place in QUIC".into()))
    }

    fn verify_tls13_signature(
        &self, message: &[u8], certificate: &CertificateDer<'_>, signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
