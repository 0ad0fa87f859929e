//! What an engine counts, as a program sees it.

use super::Im;
use crate::{
    Code,
    figures::{Figure, Figures},
};

impl Im {
    /// Counts a refusal that a transport answered with. What [`Im::execute`] and [`Im::call`] refuse, and what sessions in
    /// this process are refused, is counted already.
    pub fn count_refusal(&self, code: Code) {
        self.engine.count_refusal(code);
    }
}

impl Figures for Im {
    fn figures(&self) -> Vec<Figure> {
        self.engine.figures()
    }
}
