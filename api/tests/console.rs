//! Checks that the console's types are those of the API: `console/src/wire.ts` is generated from the schemas.

use std::path::Path;

use impresario_api::{
    Bar, DatasetView, DeleteAnswer, Event, EventBody, EventPage, Fault, ImportAnswer, ImportList,
    KindView, MetricSeries, ModelCard, ModelRow, OperationList, OperationView, ReportAnswer,
    SystemView,
};
use schemars::generate::SchemaSettings;
use serde_json::Value;

const HEAD: &str = "// What the server says, as docs/API.md has it; written from the API's own types. To write it anew:
// UPDATE_DOCS=1 cargo test -p impresario-api --test console
";

/// Shorter names of some types in the console.
const SHORT: [(&str, &str); 12] = [
    ("OperationRow", "Row"),
    ("OperationView", "View"),
    ("OperationList", "Page"),
    ("EventBody", "Body"),
    ("StepProgress", "Step"),
    ("CheckpointView", "Checkpoint"),
    ("MetricSeries", "MetricAnswer"),
    ("SystemView", "System"),
    ("LaneView", "Lane"),
    ("SlotView", "Slot"),
    ("KindView", "Kind"),
    ("DatasetView", "Dataset"),
];

fn name(of: &str) -> &str {
    let short = SHORT.iter().find(|(long, _)| *long == of);
    short.map_or(of, |(_, short)| short)
}

/// The TypeScript type of a schema.
fn typed(schema: &Value) -> String {
    let any = |of: &[Value], one: &dyn Fn(&Value) -> String| -> String {
        of.iter().map(one).collect::<Vec<_>>().join(" | ")
    };
    if let Some(place) = schema["$ref"].as_str() {
        return name(place.trim_start_matches("#/$defs/")).to_owned();
    }
    if let Some(one) = schema["const"].as_str() {
        return format!("'{one}'");
    }
    if let Some(all) = schema["enum"].as_array() {
        return any(all, &|one| format!("'{}'", one.as_str().expect("a word")));
    }
    let object = schema["properties"].as_object().map(|properties| {
        let required = schema["required"].as_array();
        let fields = properties.iter().map(|(name, of)| {
            let is_there = required.is_some_and(|all| all.iter().any(|one| one == name));
            let mark = if is_there { "" } else { "?" };
            format!("{name}{mark}: {}", typed(of))
        });
        format!("{{ {} }}", fields.collect::<Vec<_>>().join("; "))
    });
    if let Some(all) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let any = any(all, &typed);
        return object.map_or(any.clone(), |object| format!("{object} & ({any})"));
    }
    let of_type = |kind: &Value| match kind.as_str() {
        Some("integer" | "number") => "number".to_owned(),
        Some("array") => format!("Array<{}>", typed(&schema["items"])),
        Some("object") => object.clone().unwrap_or_else(|| {
            format!("Record<string, {}>", typed(&schema["additionalProperties"]))
        }),
        Some(plain @ ("string" | "boolean" | "null")) => plain.to_owned(),
        _ => "unknown".to_owned(),
    };
    match &schema["type"] {
        Value::Array(several) => any(several, &of_type),
        one => of_type(one),
    }
}

fn written() -> Vec<String> {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut generator = settings.into_generator();
    macro_rules! with {
        ($($of:ty),*) => { $(generator.subschema_for::<$of>();)* };
    }
    with!(
        OperationView,
        OperationList,
        MetricSeries,
        Event,
        EventBody,
        EventPage
    );
    with!(
        SystemView,
        KindView,
        Fault,
        DatasetView,
        ReportAnswer,
        Bar,
        ImportList,
        ImportAnswer,
        ModelRow,
        ModelCard,
        DeleteAnswer
    );
    let types = generator.take_definitions(true);
    let types = types
        .iter()
        .map(|(of, schema)| format!("export type {} = {};", name(of), typed(schema)));
    HEAD.lines().map(str::to_owned).chain(types).collect()
}

#[test]
fn the_types_of_the_console_are_those_of_the_api() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../console/src/wire.ts");
    let written = written();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, written.join("\n") + "\n").expect("the source is writable");
    }
    let kept = std::fs::read_to_string(file).expect("it is there");
    for (kept, written) in kept.lines().zip(&written) {
        assert_eq!(kept, written, "run with UPDATE_DOCS=1");
    }
    assert_eq!(
        kept.lines().count(),
        written.len(),
        "run with UPDATE_DOCS=1"
    );
}
