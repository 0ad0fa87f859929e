//! Words that admins add to those of the file while the server runs, and the one place where both become a filter's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use im_core::{
    hook::{FlagSink, InvalidWords, WordFilter, Words},
    port::Adjustable,
};
use serde_json::{Map, Value};

/// Bytes of what is added at most: it is stored, and shown, with the settings.
const MAX_BYTES: usize = 64 * 1024;

/// The setting.
const ADDED: &str = "added";

/// A filter, and the two lists that it has its words from. Clone it to share it.
#[derive(Clone)]
pub(crate) struct WordLists {
    filter: WordFilter,
    lists: Arc<Lists>,
}

#[derive(Default)]
struct Lists {
    /// What the file says. Locked while a filter is made ready, so that the last one made has the last of both.
    file: Mutex<String>,
    added: Mutex<String>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl WordLists {
    /// No words.
    pub(crate) fn new(flags: impl FlagSink) -> Result<Self, InvalidWords> {
        Ok(Self {
            filter: WordFilter::new(Words::parse("")?, flags),
            lists: Arc::default(),
        })
    }

    /// The filter, for the engine.
    pub(crate) fn filter(&self) -> WordFilter {
        self.filter.clone()
    }

    /// How many words it looks for.
    pub(crate) fn len(&self) -> usize {
        self.filter.len()
    }

    /// Takes over what the file says now. May take long.
    ///
    /// # Errors
    /// When it cannot be used; the words from before hold then.
    pub(crate) fn change_file(&self, text: String) -> Result<(), InvalidWords> {
        let mut file = lock(&self.lists.file);
        self.make(&text)?;
        *file = text;
        Ok(())
    }

    /// Makes the filter again from what both lists say. May take long.
    fn make_again(&self) {
        let file = lock(&self.lists.file);
        if let Err(error) = self.make(&file) {
            tracing::error!("words.added: {error}; the words from before go on to hold");
        }
    }

    fn make(&self, file: &str) -> Result<(), InvalidWords> {
        // The file comes first, so that its lines keep their numbers.
        let text = format!("{file}\n{}", lock(&self.lists.added));
        self.filter.change(Words::parse(&text)?);
        Ok(())
    }
}

impl Adjustable for WordLists {
    fn name(&self) -> &'static str {
        "words"
    }

    fn configured(&self) -> Map<String, Value> {
        Map::from_iter([(ADDED.to_owned(), Value::from(""))])
    }

    fn check(&self, settings: &Map<String, Value>) -> Result<(), String> {
        let text = settings.get(ADDED).and_then(Value::as_str);
        let text = text.filter(|text| text.len() <= MAX_BYTES).ok_or_else(|| {
            format!("{ADDED} is a list as in words_file, of at most {MAX_BYTES} bytes")
        })?;
        let words = Words::parse(text);
        words.map(drop).map_err(|error| format!("{ADDED}, {error}"))
    }

    fn hold(&self, settings: &Map<String, Value>) {
        let text = settings.get(ADDED).and_then(Value::as_str);
        let text = text.unwrap_or_default().to_owned();
        let before = std::mem::replace(&mut *lock(&self.lists.added), text.clone());
        if before != text {
            let lists = self.clone();
            // Making many of them ready takes longer than others should wait.
            tokio::task::spawn_blocking(move || lists.make_again());
        }
    }
}

#[cfg(test)]
mod tests {
    use im_core::hook::NoFlags;

    use super::*;

    fn added(text: &str) -> Map<String, Value> {
        Map::from_iter([(ADDED.to_owned(), Value::from(text))])
    }

    #[test]
    fn what_is_added_goes_with_what_the_file_says_whichever_changes() {
        let lists = WordLists::new(NoFlags).unwrap();
        lists.change_file("reject a\nreject b".to_owned()).unwrap();
        *lock(&lists.lists.added) = "flag c".to_owned();
        lists.make_again();
        assert_eq!(lists.len(), 3);

        lists.change_file("reject a".to_owned()).unwrap();
        assert_eq!(lists.len(), 2);
        lists.change_file("nonsense".to_owned()).unwrap_err();
        assert_eq!(lists.len(), 2);
        lock(&lists.lists.added).clear();
        lists.make_again();

        assert_eq!(lists.len(), 1);
    }

    #[test]
    fn a_list_that_cannot_be_used_is_refused_with_its_line() {
        let lists = WordLists::new(NoFlags).unwrap();
        lists.check(&added("# none\nflag some words")).unwrap();
        lists.check(&lists.configured()).unwrap();

        let refused = |text: &str| lists.check(&added(text)).unwrap_err();
        assert!(refused("flag a\nfalg b").starts_with("added, line 2: begin"));
        assert!(refused(&"#".repeat(MAX_BYTES + 1)).starts_with("added is a list"));
        assert!(
            lists
                .check(&Map::from_iter([(ADDED.to_owned(), Value::from(5))]))
                .is_err()
        );
    }
}
