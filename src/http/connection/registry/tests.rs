use clap::Parser;

use super::*;
use crate::config::Args;

fn connections(per_peer: usize) -> Arc<Connections> {
    let per_peer = format!("http.connections_per_peer={per_peer}");
    let args = Args::parse_from(["impresariod", "--set", &per_peer]);
    let settings = Settings::load(&args).expect("the settings are right");
    Connections::new(&settings).expect("there are files to spare")
}

fn from(address: &str) -> Option<SocketAddr> {
    Some(SocketAddr::new(address.parse().expect("an address"), 1))
}

#[test]
fn a_peer_has_its_places_and_then_makes_room_for_itself() {
    let all = connections(2);
    let open = |address: &str| all.open(from(address));
    let [first, second] = ["2001:db8::1", "2001:db8::2"].map(|one| open(one).expect("a place"));
    let other = open("192.0.2.7").expect("a place");
    second.enter(Phase::Working);
    let third = open("2001:db8::3").expect("a place");
    assert_eq!(first.ending(), Ending::Now, "its head was due longest");
    assert_eq!(
        (second.ending(), other.ending()),
        (Ending::None, Ending::None)
    );
    third.enter(Phase::Socket);
    assert!(
        open("2001:db8::4").is_none(),
        "both of its places are in use"
    );
    assert_eq!(all.count().connections, 3);
    assert_eq!(all.count().refused, 2);

    // A wait answers before it goes.
    let waits = second.waits();
    assert!(open("2001:db8::4").is_some());
    assert!(waits.is_cancelled());
    assert_eq!(second.ending(), Ending::AfterAnswer);
    for gone in [&first, &second, &second, &third] {
        all.closed(gone);
    }
    assert_eq!(all.count().connections, 2);
    assert!(open("2001:db8::5").is_some());
}

#[test]
fn this_machine_may_have_as_many_as_there_are() {
    let all = connections(1);
    let kept: Vec<_> = (0..50).map(|_| all.open(from("127.0.0.1"))).collect();
    let lives =
        |one: &Option<Connection>| one.as_ref().is_some_and(|one| one.ending() == Ending::None);
    assert!(kept.iter().all(lives));
    assert_eq!(all.count().connections, 50);
}

#[test]
fn when_all_places_are_taken_the_longest_idle_goes() {
    let all = connections(1);
    let most = all.limits.total;
    let mut kept: Vec<_> = (0..most)
        .map(|_| all.open(from("127.0.0.1")).expect("a place"))
        .collect();
    kept[7].enter(Phase::Idle);
    for one in &kept[8..] {
        one.enter(Phase::Socket);
    }
    kept[..7].iter().for_each(|one| one.enter(Phase::Working));
    let newcomer = all.open(from("127.0.0.1")).expect("a place");
    assert_eq!(kept[7].ending(), Ending::Now);
    assert_eq!(all.count().connections, most);
    newcomer.enter(Phase::Working);
    assert!(all.open(from("127.0.0.1")).is_none());
    kept.truncate(1);
    all.closed(&kept[0]);
    assert!(all.open(from("127.0.0.1")).is_some());
}

#[test]
fn who_is_overdue_is_judged_when_what_it_sent_has_been_read() {
    let all = connections(100);
    let [silent, busy] =
        ["192.0.2.7", "192.0.2.8"].map(|one| all.open(from(one)).expect("a place"));
    // As if both heads were due long ago, and the worker had not had the time to look.
    let due = all.times.head;
    for one in [&silent, &busy] {
        one.0
            .overdue
            .store(all.is_overdue(&one.reading(), due), Ordering::Relaxed);
        assert_eq!(one.ending(), Ending::None);
    }
    all.clock.set(due);
    // The request of this one lay in the kernel, whole.
    busy.enter(Phase::Working);
    all.judge(&silent);
    all.judge(&busy);
    assert_eq!(
        (silent.ending(), busy.ending()),
        (Ending::Now, Ending::None)
    );
}

#[test]
fn a_peer_has_its_uploads_and_leaves_some_to_others() {
    let all = connections(100);
    let head = |address: &str| {
        let mut head = RequestHead::default();
        head.peer_addr = from(address);
        head
    };
    let upload = |address: &str| all.upload(&head(address));
    let connection = all.open(from("192.0.2.1")).expect("a place");
    let mut kept: Vec<_> = (0..UPLOADS_OF_PEER)
        .map(|_| upload("192.0.2.1").expect("a place"))
        .collect();
    assert!(upload("192.0.2.1").is_none());
    // They count until they end, also when their connection has gone before.
    all.closed(&connection);
    assert!(upload("192.0.2.1").is_none());
    kept.push(upload("192.0.2.2").expect("a place"));
    while kept.len() < UPLOADS {
        kept.push(upload("127.0.0.1").expect("a place"));
    }
    assert!(upload("127.0.0.1").is_none() && upload("192.0.2.3").is_none());
    drop(kept);
    assert!(all.lock().by_peer.is_empty());
    assert!(upload("192.0.2.1").is_some());
}
