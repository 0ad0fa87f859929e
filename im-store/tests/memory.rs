//! Every suite against the store in memory.

use im_core::{Store, port::Ports};
use im_store::MemoryStore;

async fn open() -> Option<(Ports, ())> {
    Some((MemoryStore::new().ports(), ()))
}

im_core::every_store_suite!(open());

mod cluster {
    //! The bus, the directory and counts of attempts.

    use std::sync::Arc;

    use im_core::{
        port::{Bus, TokioRuntime},
        testing::{Cable, attempts::AttemptsTrial, bus::BusTrial, directory::DirectoryTrial},
    };
    use im_store::{MemoryAttempts, MemoryBus, MemoryDirectory};

    async fn bus() -> Option<(BusTrial, ())> {
        let bus = MemoryBus::new();
        let broken = Cable::new(Arc::new(bus.clone()), Arc::new(MemoryDirectory::new()));
        let cable = broken.clone();
        let whole: Arc<dyn Bus> = Arc::new(bus);
        let trial = BusTrial {
            ends: [Arc::new(broken), whole.clone(), whole],
            interrupt: Box::new(move || {
                cable.cut();
                cable.mend();
                Box::pin(async {})
            }),
            runtime: Arc::new(TokioRuntime),
        };
        Some((trial, ()))
    }

    async fn directory() -> Option<(DirectoryTrial, ())> {
        let directory = MemoryDirectory::new();
        let forgetful = directory.clone();
        let trial = DirectoryTrial {
            ends: [Arc::new(directory.clone()), Arc::new(directory)],
            forget: Box::new(move || {
                forgetful.forget();
                Box::pin(async {})
            }),
        };
        Some((trial, ()))
    }

    async fn attempts() -> Option<(AttemptsTrial, ())> {
        let attempts = MemoryAttempts::new();
        let trial = AttemptsTrial {
            ends: [Arc::new(attempts.clone()), Arc::new(attempts)],
            runtime: Arc::new(TokioRuntime),
        };
        Some((trial, ()))
    }

    im_core::attempts_suite!(attempts());

    im_core::bus_suite!(bus());

    im_core::directory_suite!(directory());
}
