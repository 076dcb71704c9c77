//! Stops that meet another stop under way, of a function that hears of none until it is let go.

use std::net::TcpStream;

use serde_json::{Value, json};

use crate::own::Gate;
use crate::support::{OPERATIONS, Reply, Server, has};

/// One that runs and hears of nothing, with this stop under way.
struct Stubborn {
    server: Server,
    id: String,
    held: TcpStream,
}

impl Stubborn {
    fn new(options: &Value) -> Self {
        let server = Server::own(&[]);
        let (id, held) = Gate::new().holds(&server, "stubborn", options);
        Self { server, id, held }
    }

    fn under(stop: &str) -> Self {
        if stop != "deadline" {
            let this = Self::new(&json!({}));
            this.ask(stop, "first").data(202);
            return this;
        }
        let this = Self::new(&json!({"timeout_seconds": 0.05}));
        let timed_out = |event: &Value| event["data"]["stop"]["verb"] == "deadline";
        this.server.until_event(&this.id, 0, timed_out);
        this
    }

    fn ask(&self, verb: &str, reason: &str) -> Reply {
        let path = format!("{OPERATIONS}/{}/{verb}", self.id);
        self.server.post(&path, &json!({"reason": reason}))
    }

    fn view(&self) -> Value {
        self.server.view(&self.id)
    }

    /// Lets the function go, and waits until it rests or has ended.
    fn let_go(self, status: &str) -> Value {
        drop(self.held);
        self.server.until(&self.id, status);
        self.server.view(&self.id)
    }
}

#[test]
fn a_weaker_stop_is_refused_while_a_stronger_one_is_under_way() {
    for (stronger, shown, weaker, ends) in [
        (
            "cancel",
            "cancelling",
            &["pause", "finish"][..],
            "cancelled",
        ),
        ("deadline", "running", &["pause", "finish"], "failed"),
        ("pause", "pausing", &["finish"], "paused"),
    ] {
        let stubborn = Stubborn::under(stronger);
        let before = stubborn.view();
        assert_eq!(before["status"], shown);
        for verb in weaker {
            let reply = stubborn.ask(verb, "second");
            reply.fails(409, "STOPPING");
            let error = &reply.body["error"];
            let wanted =
                format!("{verb} was asked while a stronger stop, {stronger}, is under way");
            let message = error["message"].as_str().expect("a sentence");
            assert!(message.starts_with(&wanted), "{message}");
            assert_eq!(error["details"]["status"], shown);
            assert_eq!(error["details"]["verbs"], before["verbs"]);
        }
        let after = stubborn.view();
        has(
            &after,
            json!({"seq": before["seq"], "stop": before["stop"]}),
        );
        assert_eq!(stubborn.let_go(ends)["stop"]["verb"], stronger);
    }
}

#[test]
fn the_same_stop_again_is_200_records_nothing_and_keeps_the_first_reason() {
    for (stop, ends) in [
        ("cancel", "cancelled"),
        ("pause", "paused"),
        ("finish", "completed"),
    ] {
        let stubborn = Stubborn::under(stop);
        let before = stubborn.view();
        assert_eq!(before["stop"]["reason"], "first");
        let reply = stubborn.ask(stop, "second");
        assert_eq!(reply.data(200)["stop"], before["stop"]);
        assert_eq!(stubborn.view()["seq"], before["seq"]);
        assert_eq!(stubborn.let_go(ends)["stop"]["reason"], "first");
    }
}

#[test]
fn a_stronger_stop_replaces_a_weaker_one() {
    let stubborn = Stubborn::under("finish");
    for (verb, shown) in [("pause", "pausing"), ("cancel", "cancelling")] {
        let reply = stubborn.ask(verb, "changed my mind");
        let view = reply.data(202);
        assert_eq!(
            (&view["status"], &view["stop"]["verb"]),
            (&json!(shown), &json!(verb))
        );
    }
    assert_eq!(
        stubborn.let_go("cancelled")["stop"]["reason"],
        "changed my mind"
    );
}

#[test]
fn a_deadline_gives_way_to_a_cancel_alone() {
    let stubborn = Stubborn::under("deadline");
    assert_eq!(
        stubborn.ask("cancel", "now").data(202)["status"],
        "cancelling"
    );
    let view = stubborn.let_go("cancelled");
    assert_eq!(
        (&view["stop"]["verb"], &view["error"]),
        (&json!("cancel"), &Value::Null)
    );
}

#[test]
fn a_kind_is_asked_for_nothing_that_it_cannot_do() {
    let server = Server::own(&[]);
    let id = server.of_kind("plain", &json!({}), &json!({}));
    server.until(&id, "running");
    let before = server.view(&id);
    assert_eq!(before["verbs"], json!(["cancel"]));
    for verb in ["pause", "finish"] {
        let reply = server.ask(&id, verb);
        reply.fails(409, "VERB_NOT_SUPPORTED");
        let message = reply.message();
        assert!(message.ends_with("what would do: cancel"), "{message}");
    }
    assert_eq!(server.view(&id)["seq"], before["seq"]);
    server.ask(&id, "cancel?wait=30").data(200);
}
