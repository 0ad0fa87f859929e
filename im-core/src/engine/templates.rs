//! Templates of notices. For the host alone.

use super::Engine;
use crate::{
    DeleteTemplate, Done, ListTemplates, PutTemplate, Rejection, TemplatePage, state::check_notice,
};

impl Engine {
    pub(super) async fn put_template(&self, ask: PutTemplate) -> Result<Done, Rejection> {
        let template = ask.template;
        check_notice(&template.category, &template.texts, &self.limits())?;
        self.ports.notices.put_template(template).await?;
        Ok(Done {})
    }

    pub(super) async fn delete_template(&self, ask: DeleteTemplate) -> Result<Done, Rejection> {
        self.ports.notices.delete_template(&ask.name).await?;
        Ok(Done {})
    }

    pub(super) async fn templates(&self, ask: ListTemplates) -> Result<TemplatePage, Rejection> {
        let limit = self.limits().page_of(ask.limit);
        let items = self
            .ports
            .notices
            .templates(ask.after.as_ref(), limit)
            .await?;
        let done = items.len() < limit;
        let next_cursor = items.last().filter(|_| !done).map(|last| last.name.clone());
        Ok(TemplatePage {
            items,
            next_cursor,
            done,
        })
    }
}
