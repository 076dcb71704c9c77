use impresario_api::Status;

use super::*;

fn told<T>(query: &str, build: fn(&mut Fields) -> T) -> String {
    Fields::read(query, build)
        .err()
        .map_or_else(String::new, |error| error.to_string())
}

#[test]
fn a_list_takes_every_filter() {
    let query = "status=pending,scheduled&kind=dummy&active_only=true&label=a:b:c&q=ab%20&limit=7&cursor=op_0000000000007";
    let Ok(ListQuery(query)) = Fields::read(query, list) else {
        panic!("all of it is known")
    };
    let wanted = [Status::Pending.into(), StatusFilter::Scheduled];
    assert_eq!(query.statuses, wanted);
    assert_eq!(query.kinds, ["dummy"]);
    assert!(query.active_only);
    assert_eq!(query.label, Some(("a".to_owned(), "b:c".to_owned())));
    assert_eq!(query.text.as_deref(), Some("ab "));
    assert_eq!(
        (query.limit, query.before),
        (7, Some(OperationId::from_u64(7)))
    );
}

#[test]
fn every_fault_of_a_query_is_told() {
    let text = told(
        "status=done&limit=0&active_only=maybe&label=x&cursor=1&colour=red&limit=3",
        list,
    );
    for part in [
        "status:",
        "limit: expected an integer from 1 to 1000",
        "active_only:",
        "label:",
        "cursor:",
        "colour: expected a known field",
        "limit: expected it once",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}

#[test]
fn waiting_is_a_number_of_seconds() {
    let wait = |query: &str| {
        Fields::read(query, |fields| fields.seconds("wait", "so long", 300.0))
            .ok()
            .flatten()
    };
    assert_eq!(wait("wait=0.25"), Some(Duration::from_millis(250)));
    assert_eq!(wait("wait=0"), Some(Duration::ZERO));
    for bad in [
        "wait=",
        "wait=-1",
        "wait=301",
        "wait=NaN",
        "wait=inf",
        "wait=soon",
        "wait=1&wait=2",
    ] {
        assert!(
            !told(bad, |fields| fields.seconds("wait", "so long", 300.0)).is_empty(),
            "{bad}"
        );
    }
    assert!(told("x=1", |_| ()).contains("no query on this route"));
}

#[test]
fn a_fault_without_a_name_is_one_of_the_query() {
    for query in [format!("a={}", "x".repeat(8 * 1024)), "=1".to_owned()] {
        let told = told(&query, |_| ());
        assert!(told.contains("the query: expected"), "{told}");
    }
}
