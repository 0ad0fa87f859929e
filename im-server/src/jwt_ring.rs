//! JWT signatures by ring for jsonwebtoken, which has no feature for it: HMAC for our own tokens, and checking those of
//! identity providers, RS256 and ES256. No other algorithm.

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{ErrorKind, Result},
};
use ring::{
    hmac,
    signature::{
        ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
        UnparsedPublicKey,
    },
};
use signature::{Signer, Verifier};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| {
        if key.family() != AlgorithmFamily::Hmac {
            return Err(ErrorKind::InvalidKeyFormat.into());
        }
        Ok(Box::new(Hs256::new(*algorithm, key.as_bytes())?))
    },
    verifier_factory: |algorithm, key| match key.family() {
        AlgorithmFamily::Hmac => Ok(Box::new(Hs256::new(*algorithm, key.try_get_as_bytes()?)?)),
        AlgorithmFamily::Rsa => Ok(Box::new(Rs256::new(*algorithm, key)?)),
        AlgorithmFamily::Ec => Ok(Box::new(Es256::new(*algorithm, key)?)),
        AlgorithmFamily::Ed => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes ring the provider of this process, unless the host chose one already: any does these algorithms.
pub(crate) fn install() {
    let _chosen_already = PROVIDER.install_default();
}

fn check(algorithm: Algorithm, expected: Algorithm) -> Result<()> {
    if algorithm == expected {
        Ok(())
    } else {
        Err(ErrorKind::InvalidAlgorithm.into())
    }
}

struct Hs256(hmac::Key);

impl Hs256 {
    fn new(algorithm: Algorithm, key: &[u8]) -> Result<Self> {
        check(algorithm, Algorithm::HS256)?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, key)))
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], mac: &Vec<u8>) -> std::result::Result<(), signature::Error> {
        hmac::verify(&self.0, message, mac).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

/// RSASSA-PKCS1-v1_5 with SHA-256, keys of 2048 bits and more.
struct Rs256(RsaPublicKeyComponents<Vec<u8>>);

impl Rs256 {
    fn new(algorithm: Algorithm, key: &DecodingKey) -> Result<Self> {
        check(algorithm, Algorithm::RS256)?;
        match key.kind() {
            DecodingKeyKind::RsaModulusExponent { n, e } => Ok(Self(RsaPublicKeyComponents {
                n: n.clone(),
                e: e.clone(),
            })),
            DecodingKeyKind::SecretOrDer(_) => Err(ErrorKind::InvalidKeyFormat.into()),
        }
    }
}

impl Verifier<Vec<u8>> for Rs256 {
    fn verify(&self, message: &[u8], mac: &Vec<u8>) -> std::result::Result<(), signature::Error> {
        let verified = self.0.verify(&RSA_PKCS1_2048_8192_SHA256, message, mac);
        verified.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Rs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

/// ECDSA on P-256 with SHA-256.
struct Es256(UnparsedPublicKey<Vec<u8>>);

impl Es256 {
    fn new(algorithm: Algorithm, key: &DecodingKey) -> Result<Self> {
        check(algorithm, Algorithm::ES256)?;
        let point = key.try_get_as_bytes()?.to_vec();
        Ok(Self(UnparsedPublicKey::new(
            &ECDSA_P256_SHA256_FIXED,
            point,
        )))
    }
}

impl Verifier<Vec<u8>> for Es256 {
    fn verify(&self, message: &[u8], mac: &Vec<u8>) -> std::result::Result<(), signature::Error> {
        let verified = self.0.verify(message, mac);
        verified.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Es256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::Validation;

    use super::*;

    /// Made with OpenSSL; its private key is gone.
    const MODULUS: &str = "yGeTN1T1So4C-HASaoqpgbyQl2bwcuv8u4giwLv5X62rJ69zVDaKu_y2e1sWUYZiynF3kQ5gw2sOQ7d6HIFa01gg1dyKU0t4BVEj\
        gJmbttBok9SxcRHW28JMR2XBKMpLLHqISjvbJKwJBeZX-mIpabSkHa9VkzmThi5iAYdkZ-Us_iJQjeZ7-DVQGQjBkb8uQjCZOSon\
        WEAJI5LAJ4x7GmSZs_l6qFOkjcJPooLOAObFkoma-YxqpQP7qQn-8IIknSyfPOnPU9kS33MhHotfRO7jG67FWvoeT_jgaVca5Zpv\
        EhQFCUNYfHn7qzCmtXSC7VkPKbFJFF_efTbZaYXKXQ";
    const TOKEN: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJzdWIiOiJhbGljZSJ9.Nbg_qhxMQq3O-YpLwmcoYEIDz4OuDdZQBfdAXc1ky45\
        WC01Tp-dj0lC8OehMfoXHbCGZXtv-HLfoGmd-h7AbVE0C0IBmO9VaxQRgFBCKX05FCtYWi73Cjx3WbD_WLFqgPV29FfxtlBhojx7\
        uYwUIaS_pbe4J32EfmA79A98yXxiuMDXvKvmtXKmkOxVqN0w5PwXWGCavk-NSuQedksdxKGFEkiZgsUpmlcHYw2XkG0_jV3PZ_Ut\
        UegvSMkBr1QrZ58anlHhiKHS6dORr5ocEIK72E81UiUyUKzSfZLot119bZuRqhZW5vmVkfAqKjGivsJZO8oR0_lysnZ2mwTRqFw";

    fn subject(token: &str, algorithm: Algorithm) -> Result<serde_json::Value> {
        install();
        let key = DecodingKey::from_rsa_components(MODULUS, "AQAB")?;
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        Ok(
            jsonwebtoken::decode::<serde_json::Value>(token, &key, &validation)?.claims["sub"]
                .take(),
        )
    }

    #[test]
    fn a_token_of_an_identity_provider_is_checked_by_its_public_key() {
        let read = subject(TOKEN, Algorithm::RS256).expect("it is genuine");
        assert_eq!(read, "alice");

        let (signed, mac) = TOKEN.rsplit_once('.').expect("three parts");
        for forged in [
            format!("{signed}.{}", mac.replace('N', "M")),
            TOKEN.replace("eyJzdWIiOiJhbGljZSJ9", "eyJzdWIiOiJib2IifQ"),
            format!("{signed}."),
        ] {
            assert!(subject(&forged, Algorithm::RS256).is_err(), "{forged}");
        }
        assert!(
            subject(TOKEN, Algorithm::HS256).is_err(),
            "a public key is no secret"
        );
    }
}
