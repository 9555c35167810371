//! An OpenID provider that misbehaves on demand: it signs what it is told to, with the key that it is told to.
//!
//! It has no pages. Its code is the nonce of the question, which a test reads from where a browser would have been sent.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leadwire::clock::Clock;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// With what it signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signs {
    /// With its key.
    Rightly,
    /// With a key of nobody's, under its key's name.
    AsAnother,
    /// Not at all.
    Nothing,
    /// With its public key as the secret of HS256.
    ByPublicKey,
}

/// How it behaves.
#[derive(Clone, Debug)]
pub struct Manner {
    /// With what it signs.
    pub signs: Signs,
    /// What is changed of the claims; null takes one out.
    pub claims: Value,
    /// The name of the key that its tokens tell.
    pub key_id: String,
    /// What it answers to whoever asks for this path, whole, in place of what is right.
    pub instead: Option<(&'static str, String)>,
    /// The path at which it does not answer.
    pub silent_at: &'static str,
}

impl Default for Manner {
    fn default() -> Self {
        let key_id = "known".to_owned();
        Self { signs: Signs::Rightly, claims: json!({}), key_id, instead: None, silent_at: "" }
    }
}

/// A running provider. Dropping it ends it.
pub struct HostileProvider {
    address: SocketAddr,
    shared: Arc<Shared>,
    running: JoinHandle<()>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    manner: Mutex<Manner>,
    asked: Mutex<Vec<String>>,
    own: RsaKeyPair,
    anothers: RsaKeyPair,
}

impl HostileProvider {
    /// Starts one on a free port of the loopback interface, by this clock; it behaves well until it is told otherwise.
    pub async fn start(clock: Arc<dyn Clock>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let key = || RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        let shared = Arc::new(Shared {
            clock,
            manner: Mutex::default(),
            asked: Mutex::default(),
            own: key(),
            anothers: key(),
        });
        let served = Arc::clone(&shared);
        let running = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let shared = Arc::clone(&served);
                tokio::spawn(async move {
                    // A client that goes away has nobody to tell.
                    drop(shared.answer(stream, address).await);
                });
            }
        });
        Self { address, shared, running }
    }

    /// Its issuer.
    pub fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Behaves so from now on.
    pub fn behave(&self, manner: Manner) {
        *self.shared.manner.lock().expect("nobody panics with it") = manner;
    }

    /// How often this path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.shared.asked.lock().expect("nobody panics with it").iter().filter(|it| *it == path).count()
    }
}

impl Drop for HostileProvider {
    fn drop(&mut self) {
        self.running.abort();
    }
}

fn coded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn modulus(key: &RsaKeyPair) -> Vec<u8> {
    // RFC 8017, A.1.1, of 2048 bits: two heads and a zero before the modulus, 65537 behind it.
    key.public_key().as_ref()[9..265].to_vec()
}

impl Shared {
    async fn answer(&self, mut stream: TcpStream, address: SocketAddr) -> std::io::Result<()> {
        let (path, body) = read(&mut stream).await?;
        self.asked.lock().expect("nobody panics with it").push(path.clone());
        let manner = self.manner.lock().expect("nobody panics with it").clone();
        if manner.silent_at == path {
            // Until the client has gone.
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await?;
            return Ok(());
        }
        let text = match manner.instead {
            Some((at, text)) if at == path => text,
            _ => {
                let said = self.say(&path, &body, address, &manner).to_string();
                format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{said}",
                    said.len()
                )
            }
        };
        stream.write_all(text.as_bytes()).await?;
        stream.shutdown().await
    }

    fn say(&self, path: &str, body: &str, address: SocketAddr, manner: &Manner) -> Value {
        let base = format!("http://{address}");
        match path {
            "/keys" => {
                let (modulus, exponent) = (coded(modulus(&self.own)), coded([1, 0, 1]));
                json!({ "keys": [{ "kty": "RSA", "kid": "known", "n": modulus, "e": exponent }] })
            }
            "/token" => {
                let code = url::form_urlencoded::parse(body.as_bytes()).find(|it| it.0 == "code");
                let nonce = code.map_or_else(String::new, |it| it.1.into_owned());
                json!({ "id_token": self.token(&base, &nonce, manner), "token_type": "Bearer", "access_token": "none" })
            }
            _ => json!({ "issuer": base, "authorization_endpoint": format!("{base}/auth"),
                "token_endpoint": format!("{base}/token"), "jwks_uri": format!("{base}/keys") }),
        }
    }

    fn token(&self, issuer: &str, nonce: &str, manner: &Manner) -> String {
        let now = self.clock.wall().millis() / 1000;
        let mut claims = json!({ "iss": issuer, "aud": "leadwire", "sub": "bob", "nonce": nonce, "iat": now,
            "exp": now + 60, "auth_time": now, "email": "bob@contoso.com", "email_verified": true });
        for (name, value) in manner.claims.as_object().into_iter().flatten() {
            match value {
                Value::Null => drop(claims.as_object_mut().and_then(|it| it.shift_remove(name))),
                _ => claims[name] = value.clone(),
            }
        }
        let algorithm = match manner.signs {
            Signs::Rightly | Signs::AsAnother => "RS256",
            Signs::Nothing => "none",
            Signs::ByPublicKey => "HS256",
        };
        let header = json!({ "alg": algorithm, "kid": manner.key_id });
        let text = format!("{}.{}", coded(header.to_string()), coded(claims.to_string()));
        let with = |key: &RsaKeyPair| {
            let mut signature = vec![0; key.public_modulus_len()];
            let done = key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature);
            done.expect("it can sign");
            signature
        };
        let signature = match manner.signs {
            Signs::Rightly => with(&self.own),
            Signs::AsAnother => with(&self.anothers),
            Signs::Nothing => Vec::new(),
            Signs::ByPublicKey => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, &modulus(&self.own));
                hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
            }
        };
        format!("{text}.{}", coded(signature))
    }
}

/// Path and body of a request.
async fn read(stream: &mut TcpStream) -> std::io::Result<(String, String)> {
    let (mut bytes, mut some) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut some).await?;
        bytes.extend_from_slice(&some[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|it| it.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                return Ok((path, body.to_owned()));
            }
        }
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}
