//! Sealed bodies, and images that are too large or too private to stand in an entry.

use crate::id::{BlobId, BodyId, ResourceKey};
use crate::resource::{Image, State};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Why bytes are kept; each class has a data key of its own within a run, so that one can be erased and the rest stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// What a command or playbook printed.
    Output,
    /// Content of files, manifests and images: a rollback needs it.
    Content,
    /// Words of a person: reasons, answers.
    Words,
}

/// A body as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Its class.
    pub class: Class,
    /// Length of the plaintext in bytes.
    pub len: u64,
    /// Where the ciphertext is.
    pub place: Place,
}

/// Where a ciphertext is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In the entry.
    Inline(#[serde(serialize_with = "serde_bytes::serialize", deserialize_with = "crate::id::byte_string")] Vec<u8>),
    /// In a blob file.
    Blob(BlobId),
}

fn uids(image: &Image) -> impl Iterator<Item = &str> {
    image.values().filter_map(|state| if let State::Node(node) = state { Some(node.uid.as_str()) } else { None })
}

/// An image in an event: as it is, or, when it is long, its keys and a sealed body. A clone shares the image: the fold
/// keeps the last one of every resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageRef {
    /// The image itself.
    Here(Arc<Image>),
    /// A long image: its canonical bytes are a body of class content.
    Sealed {
        /// The resources in it.
        keys: Vec<ResourceKey>,
        /// The UIDs of the Nodes in it: which ones were ever seen must be known also without the key.
        #[serde(default)]
        uids: BTreeSet<String>,
        /// The body.
        body: BodyId,
    },
}

impl ImageRef {
    /// The resources in the image.
    pub fn keys(&self) -> Box<dyn Iterator<Item = &ResourceKey> + '_> {
        match self {
            Self::Here(image) => Box::new(image.keys()),
            Self::Sealed { keys, .. } => Box::new(keys.iter()),
        }
    }

    /// An image that stands in the event.
    pub fn here(image: Image) -> Self {
        Self::Here(Arc::new(image))
    }

    /// A long image whose canonical bytes were sealed.
    pub fn sealed(image: Image, body: BodyId) -> Self {
        let uids = uids(&image).map(str::to_owned).collect();
        Self::Sealed { keys: image.into_keys().collect(), uids, body }
    }

    /// Tells the UIDs of the Nodes in the image.
    pub(crate) fn each_uid(&self, mut tell: impl FnMut(&str)) {
        match self {
            Self::Here(image) => uids(image).for_each(tell),
            Self::Sealed { uids, .. } => uids.iter().for_each(|uid| tell(uid)),
        }
    }
}
