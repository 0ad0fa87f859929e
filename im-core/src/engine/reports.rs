//! Reports: filed by users, looked at and settled by those who review.
//!
//! A report names messages. Who reviews sees them as the log has them at that moment, so that nothing comes back that was
//! recalled; and what they said before their edits, so that nobody gets away by editing.

use super::{
    Engine,
    access::id_at,
    page::{bytes_of, weight},
    retry::hash,
};
use crate::{
    Actor, Code, ConversationId, EarlierContent, EarlierMessage, Entry, FileReport, GetReport,
    ListReports, Message, Notice, NoticeText, Own, Rejection, Report, ReportAbout, ReportDetails,
    ReportFiled, ReportItem, ReportOutcome, ReportPage, ReportReason, ReportState, RowKey, Seq,
    SettleReport, Settlement, UserId,
    port::{FiledReport, OwnWrite, Range, ReportQuery},
    state::check_text,
    wire::Format,
};

/// The category of the notice that a report was looked at.
const CATEGORY: &str = "report";
/// What it says.
const LOOKED_AT: [(&str, &str); 2] = [
    ("en", "Your report was looked at. Thank you."),
    ("zh", "您的举报已处理，感谢您的反馈。"),
];
/// Earlier contents of one message that are shown.
const EDITS: usize = 100;

impl Engine {
    pub(super) async fn file_report(
        &self,
        actor: &Actor,
        ask: FileReport,
    ) -> Result<ReportFiled, Rejection> {
        if ask.reason == ReportReason::Words {
            let detail = "reason `words` is the word filter's own; choose another";
            return Err(Rejection::new(Code::InvalidRequest, detail));
        }
        let most = self.limits().report_note_chars;
        check_text("note", ask.note.as_ref(), most)?;
        let mut bytes = Vec::new();
        Format::MessagePack.write(&ask, &mut bytes);
        let fingerprint = hash(&bytes);
        let reports = &self.ports.reports;
        if let Some(first) = reports.filed(&actor.user, &ask.client_id).await? {
            return retried(&first, fingerprint);
        }
        let about = self.reportable(actor, ask.about).await?;
        let most = self.limits().reports_per_user;
        if reports.count_open(&actor.user, most).await? >= most {
            let detail =
                format!("{most} reports of yours are open already; wait until one was looked at");
            return Err(Rejection::new(Code::TooMany, detail));
        }
        // No two of a node at the same moment, so that they are read in their order.
        let at_ms = self.last_record.after(self.ports.runtime.now());
        let report = Report {
            id: id_at(u64::try_from(at_ms.0).unwrap_or_default()),
            at_ms,
            by: Some(actor.user.clone()),
            about,
            reason: ask.reason,
            note: ask.note,
            state: ReportState::Open,
            settled: None,
            version: 1,
        };
        let filed = reports.file(FiledReport {
            report,
            client_id: ask.client_id,
            fingerprint,
        });
        retried(&filed.await?, fingerprint)
    }

    /// What a user may report: others who exist, and messages that it sees.
    async fn reportable(
        &self,
        actor: &Actor,
        about: ReportAbout,
    ) -> Result<ReportAbout, Rejection> {
        let (conversation, mut seqs) = match about {
            ReportAbout::User { user } if user == actor.user => {
                let detail = "nobody reports themselves; name another user";
                return Err(Rejection::new(Code::InvalidRequest, detail));
            }
            ReportAbout::User { user } => {
                let users = [user];
                if !self.authenticator.unknown(&users).await?.is_empty() {
                    return Err(Rejection::not_found("user"));
                }
                let [user] = users;
                return Ok(ReportAbout::User { user });
            }
            ReportAbout::Messages { conversation, seqs } => (conversation, seqs),
        };
        let most = self.limits().report_messages;
        if seqs.is_empty() || seqs.len() > most {
            let detail = format!("a report names 1 to {most} messages");
            let code = if seqs.is_empty() {
                Code::InvalidRequest
            } else {
                Code::TooMany
            };
            return Err(Rejection::new(code, detail));
        }
        seqs.sort_unstable();
        seqs.dedup();
        let seen = self.seen(actor, conversation, seqs.clone()).await?;
        let messages = seen.iter().filter_map(|entry| entry.body.as_message());
        if messages.count() < seqs.len() {
            return Err(Rejection::not_found("message"));
        }
        Ok(ReportAbout::Messages { conversation, seqs })
    }

    pub(super) async fn reports(&self, ask: ListReports) -> Result<ReportPage, Rejection> {
        let room = self.room(ask.limit);
        let query = ReportQuery {
            state: ask.state.unwrap_or_default(),
            after: ask.after,
            limit: room.entries,
        };
        let found = self.ports.reports.reports(query).await?;
        let (mut items, mut bytes) = (Vec::new(), 0);
        let (count, mut is_whole) = (found.len(), true);
        for report in found {
            if bytes >= room.bytes {
                is_whole = false;
                break;
            }
            let item = self.reviewed(report).await?;
            bytes += item.messages.iter().map(weight).sum::<usize>();
            items.push(item);
        }
        let done = is_whole && count < room.entries;
        let last = items.last().filter(|_| !done);
        Ok(ReportPage {
            next_cursor: last.map(|last| last.report.id.clone()),
            done,
            items,
        })
    }

    pub(super) async fn report(&self, ask: GetReport) -> Result<ReportDetails, Rejection> {
        let item = self.reviewed(self.stored_report(ask).await?).await?;
        let (mut earlier, mut left_out) = (Vec::new(), false);
        let mut room = self.limits().page_bytes;
        if let ReportAbout::Messages { conversation, .. } = item.report.about {
            for message in item.messages.iter().filter(|it| edited(it).is_some()) {
                if room == 0 {
                    left_out = true;
                    break;
                }
                let seq = message.seq;
                let before = self.ports.log.earlier(conversation, seq, EDITS).await?;
                // What it said before it was complete is no earlier version.
                let message = message.body.as_message();
                let ended = message.and_then(Message::ended_by);
                let mut items = Vec::new();
                for (until, content) in before {
                    if Some(until) == ended {
                        continue;
                    }
                    // What reaches the bound is the last, so that there is always one.
                    left_out |= room == 0;
                    if room == 0 {
                        break;
                    }
                    room = room.saturating_sub(bytes_of(&content));
                    items.push(EarlierContent { until, content });
                }
                earlier.push(EarlierMessage { seq, items });
            }
        }
        Ok(ReportDetails {
            item,
            earlier,
            left_out,
        })
    }

    async fn stored_report(&self, ask: GetReport) -> Result<Report, Rejection> {
        let report = self.ports.reports.report(&ask.report).await?;
        report.ok_or_else(|| Rejection::not_found("report"))
    }

    /// A report with its messages as they are now.
    async fn reviewed(&self, report: Report) -> Result<ReportItem, Rejection> {
        let ReportAbout::Messages { conversation, seqs } = &report.about else {
            return Ok(ReportItem {
                report,
                messages: Vec::new(),
                edited_since: Vec::new(),
            });
        };
        let messages = self.entries(*conversation, seqs).await?;
        let edits: Vec<Seq> = messages.iter().filter_map(edited).collect();
        let edits = self.entries(*conversation, &edits).await?;
        let later = edits.iter().filter(|edit| edit.at_ms >= report.at_ms);
        let later: Vec<Seq> = later.map(|edit| edit.seq).collect();
        let since = messages
            .iter()
            .filter(|it| edited(it).is_some_and(|by| later.contains(&by)));
        Ok(ReportItem {
            edited_since: since.map(|entry| entry.seq).collect(),
            report,
            messages,
        })
    }

    /// Entries, whoever may see them.
    async fn entries(&self, id: ConversationId, seqs: &[Seq]) -> Result<Vec<Entry>, Rejection> {
        let mut entries = Vec::with_capacity(seqs.len());
        let mut seqs = seqs.to_vec();
        seqs.sort_unstable();
        for run in seqs.chunk_by(|a, b| a.next() == *b) {
            let after = Range::After(run[0].previous());
            entries.extend(self.ports.log.read(id, after, run.len()).await?);
        }
        Ok(entries)
    }

    pub(super) async fn settle_report(
        &self,
        actor: &Actor,
        ask: SettleReport,
    ) -> Result<Report, Rejection> {
        let most = self.limits().report_note_chars;
        check_text("note", ask.note.as_ref(), most)?;
        let which = GetReport {
            report: ask.report.clone(),
        };
        let before = self.stored_report(which.clone()).await?;
        let settlement = Settlement {
            by: actor.user.clone(),
            at_ms: self.ports.runtime.now(),
            note: ask.note,
        };
        let state = match ask.outcome {
            ReportOutcome::Dismissed => ReportState::Dismissed,
            ReportOutcome::Acted => ReportState::Acted,
        };
        let settled = (state, settlement);
        let reports = &self.ports.reports;
        if !reports.settle(&ask.report, ask.version, settled).await? {
            let detail = "somebody else settled this report meanwhile; look at it again";
            return Err(Rejection::new(Code::Conflict, detail));
        }
        if let Some(by) = before.by.filter(|_| before.state == ReportState::Open) {
            // It is settled, whether or not its reporter can be told.
            let _ = self.tell_reporter(by, &before.id).await;
        }
        self.stored_report(which).await
    }

    /// Tells the reporter that somebody looked at its report, and not what became of it: that concerns somebody else.
    async fn tell_reporter(&self, user: UserId, id: &RowKey) -> Result<(), Rejection> {
        let users = [user];
        if !self.authenticator.unknown(&users).await?.is_empty() {
            return Ok(());
        }
        let [user] = users;
        let at_ms = self.notice_time();
        let texts = LOOKED_AT.map(|(language, text)| {
            let text = NoticeText {
                title: None,
                text: text.to_owned(),
            };
            (language.to_owned(), text)
        });
        let notice = Notice {
            category: CATEGORY.to_owned(),
            texts: texts.into(),
            data: Some(serde_json::json!({ "report": id.as_str() })),
            at_ms,
            read: false,
        };
        let until = at_ms.plus(std::time::Duration::from_millis(self.limits().notice_ms));
        let key = Notice::key(at_ms, hash(id.as_str().as_bytes()));
        let mut writes = self.surplus(&user).await?;
        writes.push(OwnWrite::put(user, key, Own::Notice(notice)).due(until));
        self.write_own(None, writes).await?;
        Ok(())
    }
}

/// The first answer, for the same request again.
fn retried(first: &FiledReport, fingerprint: i64) -> Result<ReportFiled, Rejection> {
    if first.fingerprint != fingerprint {
        let detail = "this client id was used for another report; choose a new one";
        return Err(Rejection::new(Code::Conflict, detail));
    }
    Ok(ReportFiled {
        report: first.report.id.clone(),
        at_ms: first.report.at_ms,
    })
}

/// The latest edit of a message.
fn edited(entry: &Entry) -> Option<Seq> {
    entry.body.as_message()?.edited
}
