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
fn a_fault_without_a_name_is_one_of_the_query() {
    for query in [format!("a={}", "x".repeat(8 * 1024)), "=1".to_owned()] {
        let told = told(&query, |_| ());
        assert!(told.contains("the query: expected"), "{told}");
    }
}
