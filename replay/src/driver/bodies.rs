//! Bodies as one activity sees them: it seals what it finds, and opens what the run recorded.

use palinode_core::id::BodyId;
use palinode_core::port::{Bodies, BodyError, Vault};
use palinode_core::record::{Class, INLINE_LIMIT, ImageRef, Sealed};
use palinode_core::resource::Image;
use palinode_core::run::rules::prepare::Opened;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

/// What all activities of a run share: the vault, and where recorded bodies are.
pub(crate) struct BodyStore {
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) places: RefCell<Arc<HashMap<BodyId, Arc<Sealed>>>>,
}

impl BodyStore {
    pub(crate) fn open(&self, id: BodyId) -> Result<Vec<u8>, BodyError> {
        self.open_with(&*self.vault, id)
    }

    /// A body of another run family.
    pub(crate) fn open_with(&self, vault: &dyn Vault, id: BodyId) -> Result<Vec<u8>, BodyError> {
        let place = self.places.borrow().get(&id).cloned().ok_or(BodyError::Missing(id))?;
        vault.open(id, &place)
    }

    /// The image behind a reference.
    pub(crate) fn image(&self, image: &ImageRef) -> Result<Image, BodyError> {
        self.image_with(&*self.vault, image)
    }

    /// The image behind a reference of another run family.
    pub(crate) fn image_with(&self, vault: &dyn Vault, image: &ImageRef) -> Result<Image, BodyError> {
        match image {
            ImageRef::Here(image) => Ok((**image).clone()),
            ImageRef::Sealed { body, .. } => {
                let bytes = self.open_with(vault, *body)?;
                palinode_core::canon::decode(&bytes).map_err(|error| {
                    BodyError::Read(palinode_core::port::ReadError::Damaged {
                        file: format!("body {body}"),
                        offset: 0,
                        what: error.to_string(),
                    })
                })
            }
        }
    }
}

/// See the module. The bodies it seals go into the entry that the activity leads to.
pub(crate) struct BodyWriter {
    store: Rc<BodyStore>,
    fresh: RefCell<BTreeMap<BodyId, Sealed>>,
}

impl BodyWriter {
    pub(crate) fn new(store: &Rc<BodyStore>) -> Self {
        Self { store: store.clone(), fresh: RefCell::new(BTreeMap::new()) }
    }

    /// A long image becomes a body; a short one stands in the entry.
    pub(crate) fn image_ref(&self, image: Image) -> Result<ImageRef, BodyError> {
        let bytes = palinode_core::canon::encode(&image).map_err(palinode_core::port::RecordError::from)?;
        if bytes.len() <= INLINE_LIMIT {
            return Ok(ImageRef::here(image));
        }
        let body = self.put(Class::Content, &bytes)?;
        Ok(ImageRef::sealed(image, body))
    }

    /// Words of a person or a program.
    pub(crate) fn words(&self, text: &str) -> Result<BodyId, BodyError> {
        self.put(Class::Words, text.as_bytes())
    }

    pub(crate) fn into_fresh(self) -> BTreeMap<BodyId, Sealed> {
        self.fresh.into_inner()
    }
}

impl Bodies for BodyWriter {
    fn put(&self, class: Class, bytes: &[u8]) -> Result<BodyId, BodyError> {
        let id = self.store.vault.digest(bytes)?;
        // Recorded before: the entry only names it. Not if what was recorded may be erased apart from this: content
        // that a rollback needs does not go with the output that happened to print it.
        let kept = |sealed: &Sealed| sealed.class == class || sealed.class == Class::Content;
        if self.store.places.borrow().get(&id).is_some_and(|sealed| kept(sealed))
            || self.fresh.borrow().get(&id).is_some_and(kept)
        {
            return Ok(id);
        }
        let (id, sealed) = self.store.vault.seal(class, bytes)?;
        self.fresh.borrow_mut().insert(id, sealed);
        Ok(id)
    }

    fn get(&self, id: BodyId) -> Result<Vec<u8>, BodyError> {
        if let Some(sealed) = self.fresh.borrow().get(&id) {
            return self.store.vault.open(id, sealed);
        }
        self.store.open(id)
    }
}

/// What the run of a driver recorded, as the rules open it.
pub(super) struct Here<'a>(pub(super) &'a BodyStore);

impl Opened for Here<'_> {
    fn image(&self, image: &ImageRef) -> Result<Arc<Image>, String> {
        self.0.image(image).map(Arc::new).map_err(|error| error.to_string())
    }

    fn body(&self, id: BodyId) -> Result<Vec<u8>, String> {
        self.0.open(id).map_err(|error| error.to_string())
    }
}
