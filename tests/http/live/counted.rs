//! What a socket leaves behind: nothing.

use serde_json::json;

use super::client::Live;
use crate::support::Server;

#[test]
fn a_socket_and_all_that_it_listens_to_is_counted_while_it_is_there_and_never_after_it() {
    let server = Server::start();
    let counts = || {
        let system = server.get("/api/v1/system");
        let system = system.data(200);
        let names = ["sockets", "topics", "watches", "subscribers", "tasks"];
        names.map(|name| system[name].as_u64().expect(name))
    };
    let fresh = counts();
    assert_eq!(fresh, [0, 0, 0, 0, fresh[4]]);
    for is_closed in [true, false] {
        let mut live = Live::new(&server);
        live.subscribe("all", json!({"filter": {}}));
        live.subscribe("some", json!({"filter": {"kind": ["dummy"]}}));
        live.subscribe("as some", json!({"filter": {"kind": ["dummy"]}}));
        let nobody = json!({"type": "subscribe", "sub": "n", "operation_id": "op_0000000000001"});
        live.say(&nobody);
        live.next_any("error");
        // One task reads the socket, one serves each subscription.
        assert_eq!(counts(), [1, 2, 0, 3, fresh[4] + 4]);
        if is_closed {
            live.socket.close(None).expect("a close");
        }
        drop(live);
        while counts() != fresh {
            std::thread::yield_now();
        }
    }
}
