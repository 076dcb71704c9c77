//! Asking something of an operation.

use actix_web::web::Data;
use impresario_api::{StartAnswer, Verb, VerbAnswer};

use super::answers::{Answer, asked};
use super::caller::Caller;
use super::extract::{Id, Reason};
use super::query::Wait;
use super::state::App;

/// A handler for each verb, and what it answers.
macro_rules! handlers {
    ($($name:ident: $verb:ident -> $answer:ty;)*) => {$(
        pub(super) async fn $name(
            app: Data<App>,
            id: Id,
            caller: Caller,
            wait: Wait,
            body: Reason,
        ) -> Answer<$answer> {
            asked(&app.orchestrator, Verb::$verb, id, caller, wait, body).await
        }
    )*};
}

handlers! {
    cancel: Cancel -> VerbAnswer;
    pause: Pause -> VerbAnswer;
    finish: Finish -> VerbAnswer;
    resume: Resume -> VerbAnswer;
    start_now: StartNow -> VerbAnswer;
    retry: Retry -> StartAnswer;
}
