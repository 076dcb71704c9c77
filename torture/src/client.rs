//! An ordinary client of the HTTP API.

use std::time::Duration;

use serde_json::{Value, json};

/// The name of the clients, with and without a token, so that they are the same caller for the server.
pub(crate) const NAME: &str = "torture";
/// The token that every client sends, whether the server needs it or not.
pub(crate) const TOKEN: &str = "a-token-of-forty-visible-ascii-characters";

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn data(&self) -> &Value {
        &self.body["data"]
    }

    /// The id of the operation in the answer.
    pub(crate) fn id(&self) -> String {
        self.data()["operation_id"]
            .as_str()
            .unwrap_or("")
            .to_owned()
    }

    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or("")
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// One client. Its methods return `None` without an answer, and then the server may have carried out the
/// request or not.
#[derive(Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    address: String,
}

impl Client {
    pub(crate) fn new(address: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Self {
            agent: config.into(),
            address: address.to_owned(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Option<Reply> {
        let request = self.agent.get(format!("{}{path}", self.address));
        reply(named(request).call())
    }

    pub(crate) fn post(&self, path: &str, body: &Value, key: Option<&str>) -> Option<Reply> {
        let mut request = named(self.agent.post(format!("{}{path}", self.address)));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        reply(request.send_json(body))
    }

    /// Sends a body that need not be JSON. Returns the status and the text of the answer.
    pub(crate) fn post_text(&self, path: &str, body: &str) -> Option<(u16, String)> {
        let request = named(self.agent.post(format!("{}{path}", self.address)));
        let request = request.header("Content-Type", "application/json");
        let mut answer = request.send(body).ok()?;
        let text = answer
            .body_mut()
            .with_config()
            .limit(1 << 30)
            .read_to_string();
        Some((answer.status().as_u16(), text.ok()?))
    }

    /// Starts a training if the params have a symbol, else a dummy.
    pub(crate) fn start(&self, params: &Value, key: Option<&str>) -> Option<Reply> {
        let kind = if is_training(params) {
            "training"
        } else {
            "dummy"
        };
        self.post(&format!("/api/v1/{kind}/start"), params, key)
    }

    pub(crate) fn verb(&self, id: &str, verb: &str) -> Option<Reply> {
        let path = format!("/api/v1/operations/{id}/{verb}");
        self.post(&path, &json!({"reason": "torture"}), None)
    }

    pub(crate) fn view(&self, id: &str) -> Option<Reply> {
        self.get(&format!("/api/v1/operations/{id}"))
    }

    pub(crate) fn events(&self, id: &str) -> Option<Vec<Value>> {
        let (mut events, mut since) = (Vec::new(), 0);
        loop {
            let reply = self.get(&format!("/api/v1/operations/{id}/events?since={since}"))?;
            let page = reply.data()["events"].as_array()?.clone();
            since = reply.data()["next_since"].as_u64()?;
            let more = page.len() == 1_000;
            events.extend(page);
            if !more {
                return Some(events);
            }
        }
    }
}

pub(crate) fn is_training(body: &Value) -> bool {
    body["symbol"].is_string()
}

fn named<B>(request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
    request
        .header("X-Client", NAME)
        .header("Authorization", format!("Bearer {TOKEN}"))
}

fn reply(sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Option<Reply> {
    let mut answer = sent.ok()?;
    let body = answer.body_mut().read_to_string().ok()?;
    Some(Reply {
        status: answer.status().as_u16(),
        body: serde_json::from_str(&body).unwrap_or(Value::Null),
    })
}
