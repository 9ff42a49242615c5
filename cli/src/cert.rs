//! `otls cert`.

use std::path::PathBuf;

use clap::Subcommand;

use crate::failure::Failure;
use crate::{files, print, show};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Say what the certificates of a file are. Nothing is verified: see `otls verify`.
    Show {
        /// One certificate or a bundle.
        file: PathBuf,
    },
}

impl Command {
    pub(crate) fn run(self, json: bool) -> Result<(), Failure> {
        let Self::Show { file } = self;
        let (values, texts): (Vec<_>, Vec<_>) =
            files::certificates(&file)?.iter().map(show::certificate).unzip();
        print(json, &values.into(), &texts.join("\n"));
        Ok(())
    }
}
