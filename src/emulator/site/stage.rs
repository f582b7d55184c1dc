//! A site in tests, and a client that trusts it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use super::super::our_side::NOW;
use super::super::{ManagementSettings, Now, Unwalkable};
use super::{FrontSettings, Origins, Site, SiteSettings};

/// A running site, its clock and somebody who calls it.
pub(in crate::emulator) struct Stage {
    pub(in crate::emulator) site: Site,
    pub(in crate::emulator) client: reqwest::Client,
    pub(in crate::emulator) machine: Arc<AtomicI64>,
}

/// An answer.
#[derive(Debug)]
pub(in crate::emulator) struct Answer {
    pub(in crate::emulator) status: u16,
    pub(in crate::emulator) headers: reqwest::header::HeaderMap,
    /// `null` where there is none.
    pub(in crate::emulator) body: Value,
}

impl Answer {
    /// Status and Prelude's code.
    pub(in crate::emulator) fn refusal(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }
}

/// The usual settings: the application `test`, the management key `sesame`, plain http allowed.
pub(in crate::emulator) fn settings(now: Now) -> SiteSettings {
    SiteSettings {
        port: 0,
        names: Vec::new(),
        origins: Origins::Loopback,
        front: FrontSettings::new("test.session.prelude.dev"),
        management: ManagementSettings {
            app_id: "test".to_owned(),
            key: Some("sesame".to_owned()),
            plain_http: true,
            unwalkable: Unwalkable::Taken,
            scopes: Vec::new(),
            step_up: None,
        },
        now,
    }
}

impl Stage {
    pub(in crate::emulator) async fn set() -> Self {
        Self::set_with(|_| ()).await
    }

    pub(in crate::emulator) async fn set_with(change: impl FnOnce(&mut SiteSettings)) -> Self {
        let machine = Arc::new(AtomicI64::new(NOW));
        let clock = Arc::clone(&machine);
        let mut settings = settings(Arc::new(move || clock.load(Ordering::SeqCst)));
        change(&mut settings);
        let site = Site::start(settings).await.expect("a site");
        let ca = reqwest::Certificate::from_pem(site.ca_pem().as_bytes()).expect("a certificate");
        let client = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().expect("a client");
        Self { site, client, machine }
    }

    /// The address of a path.
    pub(in crate::emulator) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.site.address().port())
    }

    /// Sends a request as it was built.
    pub(in crate::emulator) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.expect("a body");
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") };
        Answer { status, headers, body }
    }

    /// Calls with or without a JSON body.
    pub(in crate::emulator) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let request = self.client.request(method, self.url(path));
        self.send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// Calls the management API with its key.
    pub(in crate::emulator) async fn manage(
        &self,
        method: Method,
        part: &str,
        body: Option<&Value>,
    ) -> Answer {
        let url = self.url(&format!("/v2/session/apps/test/config/{part}"));
        let request = self.client.request(method, url).bearer_auth("sesame");
        self.send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// Sets the emulator's clock ahead.
    pub(in crate::emulator) async fn set_ahead(&self, seconds: u32) {
        let body = json!({ "ahead_seconds": seconds });
        let answer = self.call(Method::PUT, "/_emulator/clock", Some(&body)).await;
        assert_eq!(answer.status, 200);
    }

    /// What the journal says of one thing.
    pub(in crate::emulator) async fn journal(&self, what: &str) -> Vec<Value> {
        let log = self.call(Method::GET, "/_emulator/log", None).await.body;
        let entries = log["entries"].as_array().expect("a list");
        entries.iter().filter(|entry| entry["what"] == what).cloned().collect()
    }
}
