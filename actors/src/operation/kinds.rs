//! The kinds that there are.

use std::any::{TypeId, type_name};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use impresario_api::KindView;

use super::erased::{ErasedOperation, erase};
use super::{Operation, Policy};
use crate::error::SetupFault;
use crate::locks::panic_message;
use crate::params::schema::ParamsSchema;

/// The most characters of a kind's name.
const LONGEST_NAME: usize = 64;

/// The kinds that an orchestrator knows. What is wrong with them is an error of
/// [`Orchestrator::start`](crate::Orchestrator::start), which names every fault at once.
///
/// ```
/// use impresario::operation::{Context, Failure, Kinds, Operation, Policy};
///
/// struct Hello;
///
/// impl Operation for Hello {
///     const KIND: &'static str = "hello";
///     type Params = ();
///     type Output = String;
///
///     fn policy(&self) -> Policy {
///         Policy::lane("default")
///     }
///
///     fn run(&self, (): (), _: &Context) -> Result<String, Failure> {
///         Ok("hello".to_owned())
///     }
/// }
///
/// let kinds = Kinds::new().register(Hello);
/// assert!(kinds.contains::<Hello>());
/// ```
#[derive(Clone, Default)]
pub struct Kinds {
    by_name: BTreeMap<&'static str, Registered>,
    /// Found as they were registered.
    faults: Vec<SetupFault>,
}

#[derive(Clone)]
struct Registered {
    kind: Arc<dyn ErasedOperation>,
    type_id: TypeId,
    type_name: &'static str,
}

impl Kinds {
    /// A list without kinds.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more: the only line that a new kind needs.
    #[must_use]
    pub fn register<K: Operation>(mut self, kind: K) -> Self {
        let type_name = type_name::<K>();
        if !is_name(K::KIND) {
            self.faults.push(SetupFault::KindName {
                kind: K::KIND.to_owned(),
                implemented_by: type_name,
            });
        }
        if let Some(first) = self.by_name.get(K::KIND) {
            self.faults.push(SetupFault::KindTwice {
                kind: K::KIND.to_owned(),
                first: first.type_name,
                second: type_name,
            });
            return self;
        }
        // A kind that panicked is not used again.
        match catch_unwind(AssertUnwindSafe(|| erase(kind))) {
            Ok(kind) => {
                let registered = Registered {
                    kind,
                    type_id: TypeId::of::<K>(),
                    type_name,
                };
                self.by_name.insert(K::KIND, registered);
            }
            Err(payload) => self.faults.push(SetupFault::KindPanicked {
                kind: K::KIND.to_owned(),
                message: panic_message(&*payload),
            }),
        }
        self
    }

    /// Whether `K` is among them.
    pub fn contains<K: Operation>(&self) -> bool {
        let named = self.by_name.get(K::KIND);
        named.is_some_and(|registered| registered.type_id == TypeId::of::<K>())
    }

    pub(crate) fn get(&self, kind: &str) -> Option<&Arc<dyn ErasedOperation>> {
        self.by_name.get(kind).map(|registered| &registered.kind)
    }

    pub(crate) fn views(&self) -> Vec<KindView> {
        let kinds = self.by_name.values();
        kinds.map(|one| one.kind.view().clone()).collect()
    }

    /// Everything that is wrong with them, whatever the lanes.
    pub(crate) fn faults(&self) -> Vec<SetupFault> {
        let mut faults = self.faults.clone();
        for Registered { kind, .. } in self.by_name.values() {
            let (name, policy) = (&kind.view().kind, kind.policy());
            faults.extend(params_faults(name, kind.schema(), policy));
            faults.extend(share_fault(name, policy));
        }
        faults
    }
}

/// Everything that is wrong with one kind, for its tests.
#[cfg(feature = "testing")]
pub(crate) fn kind_faults<K: Operation>(kind: &K) -> Vec<SetupFault> {
    let name = (!is_name(K::KIND)).then(|| SetupFault::KindName {
        kind: K::KIND.to_owned(),
        implemented_by: type_name::<K>(),
    });
    let schema = ParamsSchema::of::<K::Params>();
    let policy = kind.policy();
    let params = params_faults(K::KIND, &schema, &policy);
    let share = share_fault(K::KIND, &policy);
    name.into_iter().chain(params).chain(share).collect()
}

/// What is wrong with the share of time that checkpoints may cost.
fn share_fault(kind: &str, policy: &Policy) -> Option<SetupFault> {
    let share = policy.checkpoints.share?;
    let is_share = share > 0.0 && share <= 1.0;
    (!is_share).then(|| SetupFault::CheckpointShare {
        kind: kind.to_owned(),
        share: share.to_string(),
    })
}

/// What is wrong with the params of a kind, and with what its policy says of them.
fn params_faults(kind: &str, schema: &ParamsSchema, policy: &Policy) -> Vec<SetupFault> {
    let unusable = schema.unusable().map(|why| SetupFault::SchemaUnusable {
        kind: kind.to_owned(),
        why: why.to_owned(),
    });
    let mut faults: Vec<_> = unusable.into_iter().collect();
    if let Some(known) = schema.fields() {
        for (rule, params) in [
            ("unique_by", &policy.unique_by),
            ("fork_may_change", &policy.fork_may_change),
        ] {
            let unknown = params.iter().filter(|param| !known.contains(**param));
            faults.extend(unknown.map(|param| SetupFault::ParamUnknown {
                kind: kind.to_owned(),
                rule,
                param: (*param).to_owned(),
                known: known.iter().map(|one| (*one).to_owned()).collect(),
            }));
        }
    }
    faults
}

/// Words of lower-case letters and digits, joined by `_`, the first of which begins with a letter.
fn is_name(name: &str) -> bool {
    let is_plain = |one: u8| one.is_ascii_lowercase() || one.is_ascii_digit();
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(is_plain);
    name.len() <= LONGEST_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.split('_').all(is_word)
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn a_name_is_words_of_lower_case_letters_and_digits() {
        let longest = "a".repeat(64);
        for name in ["dummy", "data_load", "a", "gpt2_fit_3", &longest] {
            assert!(is_name(name), "{name}");
        }
        let longer = "a".repeat(65);
        for name in [
            "", "_", "a_", "_a", "a__b", "2a", "A", "a b", "a-b", "a/b", "../a", "\u{e9}", "a\n",
            &longer,
        ] {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
