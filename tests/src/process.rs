//! Processes that we start, measure and end: by their id, never by name.

use std::{
    env, fs,
    io::{self, BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::random::Random;

/// A server in a process of its own. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    /// Kept open: a program that prints into a closed pipe fails.
    _output: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a program and waits until it prints `listening on http://ADDRESS`.
    ///
    /// # Errors
    /// When it does not start, or ends before it says so.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        while output.read_line(&mut line)? > 0 {
            if let Some(address) = line.strip_prefix("listening on http://") {
                let address = address.trim().parse().map_err(io::Error::other)?;
                return Ok(Self {
                    address,
                    child,
                    _output: output,
                });
            }
            line.clear();
        }
        let _ = child.kill();
        let status = child.wait()?;
        Err(io::Error::other(format!(
            "{command:?} did not listen: {status}"
        )))
    }

    /// Ends it at once, as a power failure would, and waits until it is gone.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Asks it to end in order (SIGTERM), and waits until it has.
    ///
    /// # Errors
    /// When the system does not let us, and as [`Server::wait`].
    pub fn stop(&mut self) -> io::Result<ExitStatus> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        self.wait()
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// When it is still there after 20 seconds: then it is killed.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if begin.elapsed() > Duration::from_secs(20) {
                self.kill()?;
                return Err(io::ErrorKind::TimedOut.into());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has used so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage::of(&self.child.id().to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// A port of this machine at which nobody listens, below those that outgoing connections take: a server that ends can
/// come back there.
///
/// # Errors
/// When there seems to be none.
pub fn free_port() -> io::Result<u16> {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH);
    let clock = clock.map_or(0, |time| time.as_nanos() as u64);
    let mut random = Random::new(clock ^ u64::from(std::process::id()));
    let ports = (0..100).map(|_| 20_000 + random.below(10_000) as u16);
    let mut free = ports.filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.next()
        .ok_or_else(|| io::Error::other("no free port between 20000 and 30000"))
}

/// What a process has used, as `/proc` says it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Time on a processor, of all threads, in the program and in the kernel for it.
    pub cpu: Duration,
    /// Memory that is really there.
    pub rss_bytes: u64,
    /// Bytes on their way to a disk.
    pub written_bytes: u64,
}

impl Usage {
    /// Our own.
    #[must_use]
    pub fn own() -> Self {
        Self::of("self")
    }

    fn of(process: &str) -> Self {
        let read = |file| fs::read_to_string(format!("/proc/{process}/{file}")).unwrap_or_default();
        let stat = read("stat");
        // The name in parentheses may hold spaces. Of what follows it, the 12th and 13th are user and system ticks.
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks: u64 = after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(number)
            .sum();
        Self {
            cpu: Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second()),
            rss_bytes: field(&read("status"), "VmRSS:") * 1_024,
            written_bytes: field(&read("io"), "write_bytes:"),
        }
    }

    /// CPU time since an earlier look.
    #[must_use]
    pub fn cpu_since(&self, earlier: &Self) -> Duration {
        self.cpu.saturating_sub(earlier.cpu)
    }
}

fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next())
        .map_or(0, number)
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

/// Bytes that the kernel holds for all TCP sockets of this machine.
#[must_use]
pub fn socket_bytes() -> u64 {
    let text = fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    let tcp = text
        .lines()
        .find(|line| line.starts_with("TCP:"))
        .unwrap_or_default();
    let mut words = tcp.split_whitespace().skip_while(|word| *word != "mem");
    words.nth(1).map_or(0, number) * 4_096
}

/// Lets this process and those that it starts have as many open files as the system allows; returns how many.
#[must_use]
pub fn raise_file_limit() -> u64 {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// The server's program: `IM_SERVER`, or the one beside our own.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn im_server() -> PathBuf {
    if let Some(path) = env::var_os("IM_SERVER") {
        return path.into();
    }
    let own = env::current_exe().expect("a running program has a file");
    let path = own.with_file_name("im-server");
    assert!(
        path.exists(),
        "{} is missing: build it (cargo build --release -p im-server), or name one in IM_SERVER",
        path.display()
    );
    path
}
