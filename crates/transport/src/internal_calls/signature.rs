//! Signs internal calls, and compares signatures in constant time.

use std::fmt::Write;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use kerb_types::{Clock, NodeId};
use sha2::Sha256;

use super::secret::ClusterSecret;

/// Header of the caller's name.
pub(super) const NODE_HEADER: HeaderName = HeaderName::from_static("kerb-node");
/// Header of the caller's time, in seconds since the Unix epoch.
pub(super) const TIME_HEADER: HeaderName = HeaderName::from_static("kerb-time");
/// Header of the signature, in hexadecimal digits.
pub(super) const SIGNATURE_HEADER: HeaderName = HeaderName::from_static("kerb-signature");

/// What a signature covers.
pub(super) struct SignedCall<'a> {
    pub(super) caller: &'a str,
    pub(super) callee: &'a NodeId,
    pub(super) path: &'a str,
    pub(super) time_s: &'a str,
}

impl SignedCall<'_> {
    fn mac(&self, secret: &ClusterSecret) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.bytes()).expect("a key may have any length");
        mac.update(b"kerb-call-1");
        // No field contains a zero byte, so two calls never have the same text.
        for field in [self.caller, self.callee.as_str(), self.path, self.time_s] {
            mac.update(&[0]);
            mac.update(field.as_bytes());
        }
        mac
    }

    pub(super) fn sign(&self, secret: &ClusterSecret) -> String {
        let mut text = String::with_capacity(64);
        for byte in self.mac(secret).finalize().into_bytes() {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// Whether the signature is right. Compares in constant time.
    pub(super) fn is_signed(&self, secret: &ClusterSecret, signature: &str) -> bool {
        let digits = signature.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> =
            digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
        bytes.is_some_and(|bytes| self.mac(secret).verify_slice(&bytes).is_ok())
    }
}

/// Signs the internal calls of a node.
#[derive(Clone)]
pub struct Signer {
    node: NodeId,
    secret: Option<ClusterSecret>,
    clock: Arc<dyn Clock>,
}

impl Signer {
    /// Signs calls in the name of `node`. Without a secret, calls only carry the name.
    pub fn new(node: NodeId, secret: Option<ClusterSecret>, clock: Arc<dyn Clock>) -> Self {
        Self { node, secret, clock }
    }

    /// Adds the headers of a call to the node `callee`.
    pub(super) fn sign(&self, callee: &NodeId, path: &str, headers: &mut HeaderMap) {
        let value = |text: &str| HeaderValue::from_str(text).expect("names and digits are legal in a header");
        headers.insert(NODE_HEADER, value(self.node.as_str()));
        let Some(secret) = &self.secret else { return };
        let time_s = (self.clock.now().as_millis() / 1_000).to_string();
        let call = SignedCall { caller: self.node.as_str(), callee, path, time_s: &time_s };
        headers.insert(SIGNATURE_HEADER, value(&call.sign(secret)));
        headers.insert(TIME_HEADER, value(&time_s));
    }
}
