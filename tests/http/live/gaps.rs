//! What was removed before a client asked for it: counted where it was, and told once.

use serde_json::{Value, json};

use super::client::Live;
use crate::support::{DUMMY, OPERATIONS, Server, comes, id};

/// What one who was away since then is told, up to its snapshot.
fn told(server: &Server, filter: &Value, since: u64) -> Vec<Value> {
    let mut live = Live::new(server);
    live.subscribe("a", json!({"filter": filter, "since": since}));
    let mut frames = Vec::new();
    loop {
        let frame = live.next();
        let is_last = frame["type"] == "snapshot";
        frames.push(frame);
        if is_last {
            return frames;
        }
    }
}

/// The last cursor that there is.
fn last(server: &Server) -> u64 {
    let mut live = Live::new(server);
    live.subscribe("a", json!({"filter": {}}));
    live.of_type("snapshot")["cursor"]
        .as_u64()
        .expect("a cursor")
}

#[test]
fn events_and_gaps_lead_from_any_since_to_the_last_cursor_and_a_filter_to_the_same() {
    let server = Server::start();
    let labels = json!({"labels": {"team": "red"}});
    let later = json!({"not_before": "2099-01-01T00:00:00Z", "labels": {"team": "blue"}});
    let mut kept = Vec::new();
    for _ in 0..3 {
        server.ended(1, &labels);
        id(server.post(DUMMY, &json!({"options": later})).data(202));
        kept.push(last(&server));
    }
    server.ended(1, &labels);
    let end = last(&server);
    let prune = json!({"older_than_seconds": 0});
    let mut pruned = 0;
    comes("the end of this millisecond", || {
        let reply = server.post(&format!("{OPERATIONS}/prune"), &prune);
        pruned += reply.data(200)["pruned"].as_u64().expect("a count");
        pruned == 4
    });
    for since in 0..=end {
        let mut place = since;
        for frame in told(&server, &json!({}), since) {
            match frame["type"].as_str() {
                Some("gap") => place += frame["data"]["events"].as_u64().expect("a count"),
                Some("submitted") => {
                    place += 1;
                    assert!(kept.contains(&place), "{frame}");
                    assert_eq!(frame["cursor"], place);
                }
                Some("snapshot") => {
                    assert_eq!(
                        (place, &frame["cursor"]),
                        (end, &json!(end)),
                        "since {since}"
                    );
                }
                _ => panic!("{frame}"),
            }
        }
    }
    for team in ["red", "blue"] {
        let filter = json!({"label": format!("team:{team}")});
        let frames = told(&server, &filter, 0);
        let gaps = frames
            .iter()
            .filter_map(|frame| frame["data"]["events"].as_u64());
        assert_eq!(gaps.sum::<u64>(), end - kept.len() as u64, "{frames:?}");
        let led = frames.last().expect("a snapshot")["cursor"].as_u64();
        assert_eq!(led, Some(end));
        assert_eq!(
            told(&server, &filter, end).len(),
            1,
            "nothing is told again"
        );
    }
}
