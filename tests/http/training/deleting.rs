//! Models and what they were trained on are deleted: what refers to them is told first.

use serde_json::{Value, json};

use super::forking::{forked, paused};
use super::{MODELS, TRAIN, kept, last_bars, models, predict, server, small, trained};
use crate::support::{Reply, Server, id};

fn delete(server: &Server, path: &str) -> Reply {
    server.send("DELETE", path, &[], None)
}

/// The relations of those that refer to it, in their order.
fn relations(references: &Value) -> Vec<&str> {
    let references = references.as_array().expect("a list");
    references
        .iter()
        .filter_map(|one| one["relation"].as_str())
        .collect()
}

const LATER: &str = "2099-01-01T00:00:00Z";

#[test]
fn a_model_is_deleted_with_its_files_and_told_of_by_those_that_refer_to_it() {
    let server = server();
    let of = paused(&server);
    let (_, fork) = forked(&server, &of, &json!({"epochs": 1}));
    server.ask(&of, "resume").data(202);
    server.until(&of, "completed");
    let result = server.read(&of, "/results").data(200).clone();
    let (model, fork) = (&result["model_id"], &fork["model_id"]);
    let path = format!("{MODELS}/{}", model.as_str().expect("an id"));
    let options = json!({"options": {"not_before": LATER}});
    let verify = id(server.post(&format!("{path}/verify"), &options).data(202));

    let refused = delete(&server, &path);
    refused.fails(409, "REFERENCED");
    let details = &refused.body["error"]["details"];
    assert_eq!(relations(details), ["forked_from", "verifies"]);
    assert_eq!(&details[0]["model_id"], fork);
    assert_eq!(details[1]["operation_id"], verify.as_str());
    assert_eq!(models(&server).len(), 2);

    // The card of the fork names it, and nothing refers to the fork.
    let leaf = format!("{MODELS}/{}", fork.as_str().expect("an id"));
    let shown = delete(&server, &format!("{leaf}?dry_run=true"));
    assert_eq!(shown.data(200)["references_total"], 0);
    assert_eq!(delete(&server, &leaf).data(200)["deleted"], true);
    assert_eq!(
        relations(&delete(&server, &path).body["error"]["details"]),
        ["verifies"]
    );
    let answer = delete(&server, &format!("{path}?force=true"));
    assert_eq!(relations(&answer.data(200)["references"]), ["verifies"]);

    assert_eq!((models(&server).len(), kept(&server)), (0, 0));
    delete(&server, &path).fails(404, "MODEL_NOT_FOUND");
    server.get(&path).fails(404, "MODEL_NOT_FOUND");
    let model = model.as_str().expect("an id");
    predict(&server, model, &last_bars(&server, 120)).fails(404, "MODEL_NOT_FOUND");
    server.ask(&verify, "start-now");
    server.until(&verify, "failed");
    assert_eq!(server.view(&verify)["error"]["code"], "MODEL_NOT_FOUND");
    delete(&server, &format!("{MODELS}/mdl_0000000000000")).fails(404, "MODEL_NOT_FOUND");
    delete(&server, &format!("{MODELS}/..%2Fbars")).fails(404, "MODEL_NOT_FOUND");
}

#[test]
fn a_dataset_is_referred_to_by_models_trainings_loads_and_verifications() {
    let server = server();
    let model = trained(&server, &small(&json!({})))["result"]["model_id"].clone();
    let model = model.as_str().expect("an id");
    let later = json!({"options": {"not_before": LATER}});
    let training = id(server.post(TRAIN, &small(&later)).data(202));
    let verify = id(server
        .post(&format!("{MODELS}/{model}/verify"), &later)
        .data(202));
    let refused = delete(&server, "/api/v1/data/GOOG/1d");
    refused.fails(409, "REFERENCED");
    let details = &refused.body["error"]["details"];
    assert_eq!(relations(details), ["trained_on", "verifies", "trains_on"]);
    assert_eq!(
        (
            &details[0]["model_id"],
            &details[1]["operation_id"],
            &details[2]["operation_id"]
        ),
        (&json!(model), &json!(verify), &json!(training))
    );
    delete(&server, "/api/v1/data/GOOG/1d?force=true").data(200);
    // The model stays what it was; what needs the bars says that they are gone.
    server.get(&format!("{MODELS}/{model}")).data(200);
    for waits in [training, verify] {
        server.ask(&waits, "start-now");
        server.until(&waits, "failed");
        assert_eq!(server.view(&waits)["error"]["code"], "DATA_NOT_FOUND");
    }
}

#[test]
fn a_damaged_model_can_be_deleted_and_what_a_crash_left_of_one_is_removed() {
    let mut server = server();
    let result = trained(&server, &small(&json!({})))["result"].clone();
    let folder = std::path::PathBuf::from(result["path"].as_str().expect("a path"));
    std::fs::write(folder.join("card.json"), "{").expect("writable");
    let left = folder.with_file_name(".partial-deleted-mdl_0000000000001");
    std::fs::create_dir(&left).expect("a new folder");
    std::fs::write(left.join("card.json"), "{").expect("writable");
    let path = format!("{MODELS}/{}", result["model_id"].as_str().expect("an id"));
    server.get(&path).fails(500, "MODEL_DAMAGED");
    delete(&server, &path).data(200);
    assert_eq!(kept(&server), 1);
    server.signal("TERM");
    server.join();
    assert_eq!(kept(&server.again()), 0);
}
