//! The parts that a process of the world can play.

use super::{Layout, WorldError, instance, load, pipeline, pricing, supervisor};
use std::io::Read;
use std::path::Path;
use std::{fmt, str::FromStr};

/// One part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Keeps all the others.
    Supervisor,
    /// An instance of the service that the story is about.
    Checkout,
    /// Another service, healthy throughout.
    Payments,
    /// What checkout depends on.
    Pricing,
    /// The customers.
    Load,
    /// Who deploys.
    Pipeline,
}

impl Role {
    /// All parts.
    pub const ALL: [Self; 6] =
        [Self::Supervisor, Self::Checkout, Self::Payments, Self::Pricing, Self::Load, Self::Pipeline];

    /// As it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Supervisor => "supervisor",
            Self::Checkout => "checkout",
            Self::Payments => "payments",
            Self::Pricing => "pricing",
            Self::Load => "load",
            Self::Pipeline => "pipeline",
        }
    }

    /// The process's name: `checkout-2` where there can be several.
    pub fn name(self, index: u32) -> String {
        match self {
            Self::Checkout | Self::Payments => format!("{}-{index}", self.word()),
            _ => self.word().to_owned(),
        }
    }

    /// Whether it listens.
    pub fn listens(self) -> bool {
        matches!(self, Self::Checkout | Self::Payments | Self::Pricing)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let words = Self::ALL.map(Self::word).join(", ");
        let shown: String = text.chars().take(40).collect();
        Self::ALL
            .into_iter()
            .find(|one| one.word() == text)
            .ok_or_else(|| format!("{shown:?} is no part of the practice world: take one of {words}"))
    }
}

/// Plays a part until told to stop. All but the supervisor end when their standard input does.
pub fn run(role: Role, dir: &Path, index: u32, port: u16) -> Result<(), WorldError> {
    let layout = Layout::new(dir);
    if role == Role::Supervisor {
        return supervisor::run(&layout);
    }
    hold_lifeline()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|why| WorldError::Role(format!("{role} cannot start: {why}")))?;
    runtime.block_on(async {
        match role {
            Role::Supervisor => Ok(()),
            Role::Checkout => instance::run(&layout, "checkout", index, port).await,
            Role::Payments => instance::run(&layout, "payments", index, port).await,
            Role::Pricing => pricing::run(&layout, port).await,
            Role::Load => load::run(&layout).await,
            Role::Pipeline => pipeline::run(&layout).await,
        }
    })
}

/// Ends this process, and what it started in its group, as soon as standard input is closed: the supervisor holds the
/// other end, and the system closes it however the supervisor goes.
fn hold_lifeline() -> Result<(), WorldError> {
    let watch = || {
        let mut stdin = std::io::stdin().lock();
        let mut buffer = [0_u8; 64];
        loop {
            match stdin.read(&mut buffer) {
                Ok(0) => break,
                Err(why) if why.kind() != std::io::ErrorKind::Interrupted => break,
                _ => {}
            }
        }
        let me = rustix::process::getpid();
        if rustix::process::getpgrp() == me {
            let _ = rustix::process::kill_process_group(me, rustix::process::Signal::KILL);
        }
        std::process::exit(0);
    };
    std::thread::Builder::new()
        .name("lifeline".into())
        .stack_size(64 * 1024)
        .spawn(watch)
        .map(drop)
        .map_err(|why| WorldError::Role(format!("cannot hold the lifeline: {why}")))
}
