//! What a person was shown of someone's changes before a process was allowed to overwrite them.

use super::closed::LISTS_LIMIT;
use crate::canon;
use crate::id::{BlobId, ResourceKey};
use crate::resource::{Fields, State};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A state that a person saw and agreed to overwrite. Any other state of the resource is not agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownState {
    /// As it was found when it was shown.
    pub state: State,
    /// What of it an action changes back: only that is compared.
    pub fields: Fields,
}

impl ShownState {
    /// Whether what is found now is what was shown: equal fields, of the same object.
    pub fn is_still(&self, found: &State) -> bool {
        let is_same_object = match (&self.state, found) {
            (State::Node(was), State::Node(is)) => was.uid == is.uid,
            (State::Object { uid: was, .. }, State::Object { uid: is, .. }) => was == is,
            _ => true,
        };
        is_same_object && self.state.same(found, self.fields)
    }
}

/// All that was shown before one process began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShownStates {
    /// By resource.
    Here(BTreeMap<ResourceKey, ShownState>),
    /// The public blob with them, where they are too many for an entry.
    Blob(BlobId),
}

impl ShownStates {
    /// The canonical bytes to store as a public blob, if there are too many for an entry.
    pub fn too_long(all: &BTreeMap<ResourceKey, ShownState>) -> Result<Option<Vec<u8>>, canon::EncodeError> {
        let bytes = canon::encode(all)?;
        Ok((bytes.len() > LISTS_LIMIT).then_some(bytes))
    }

    /// All of them; `public` fetches the blob.
    pub fn all(
        &self,
        public: impl FnOnce(BlobId) -> Result<Vec<u8>, crate::port::ReadError>,
    ) -> Result<BTreeMap<ResourceKey, ShownState>, ShownStatesError> {
        match self {
            Self::Here(all) => Ok(all.clone()),
            Self::Blob(blob) => Ok(canon::decode(&public(*blob)?)?),
        }
    }
}

/// Why it cannot be told what a person was shown.
#[derive(Debug, thiserror::Error)]
pub enum ShownStatesError {
    /// The blob cannot be read.
    #[error(transparent)]
    Read(#[from] crate::port::ReadError),
    /// The blob holds something else.
    #[error("the recorded states cannot be understood")]
    Decode(#[from] canon::DecodeError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::BodyId;
    use crate::record::blob_id;

    fn object(uid: &str, body: u8) -> State {
        State::Object { uid: uid.to_owned(), body: BodyId([body; 32]), marks: BTreeMap::new() }
    }

    #[test]
    fn what_was_shown_is_one_state_of_one_object() {
        let shown = ShownState { state: object("1", 1), fields: Fields::Content };
        assert!(shown.is_still(&object("1", 1)));
        assert!(!shown.is_still(&object("1", 2)), "changed again");
        assert!(!shown.is_still(&object("2", 1)), "another object of that name");
        assert!(!shown.is_still(&State::Absent));
        let file = |mode| State::file(mode, "root:root", 1, BodyId([1; 32]));
        let shown = ShownState { state: file(0o644), fields: Fields::All };
        assert!(shown.is_still(&file(0o644)) && !shown.is_still(&file(0o600)));
    }

    #[test]
    fn states_that_are_too_many_for_an_entry_rest_in_a_blob() {
        let key = |number| ResourceKey::config_map("space", &format!("map-{number}"));
        let all = |count: usize| -> BTreeMap<ResourceKey, ShownState> {
            (0..count).map(|at| (key(at), ShownState { state: object("1", 1), fields: Fields::All })).collect()
        };
        assert_eq!(ShownStates::too_long(&all(10)).expect("it encodes"), None);
        let many = all(1000);
        let bytes = ShownStates::too_long(&many).expect("it encodes").expect("they are too many");
        let blob = ShownStates::Blob(blob_id(&bytes));
        assert_eq!(blob.all(|_| Ok(bytes.clone())).expect("it can be read"), many);
        assert!(blob.all(|_| Ok(bytes[1..].to_vec())).is_err());
    }
}
