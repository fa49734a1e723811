//! `crossdock diff A B`: two folders or versions side by side, in words.

use std::path::Path;

use policy::SourceFile;
use policy::plan::plan;

use crate::args::{Common, Diff};
use crate::client::Client;
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::project;

pub(crate) async fn run(common: &Common, args: &Diff, output: &Output) -> Ended {
    let (before, after) = (side(common, &args.before).await?, side(common, &args.after).await?);
    let plan = plan(&before, &after);
    super::plan::print(&plan, (&before, &after), None, output);
    Ok(if args.exit_code && !plan.is_empty() { Exit::Changes } else { Exit::Done })
}

async fn side(common: &Common, name: &str) -> Result<Vec<SourceFile>, Failure> {
    let path = Path::new(name);
    if path.is_dir() {
        return project::whole(project::read(path)?);
    }
    let client = Client::new(common)?;
    if name == "present" {
        return project::applied(&client, name).await;
    }
    let versions = client.rows("/policies", &[], super::rollback::VERSIONS_MAX).await?;
    let version = super::rollback::find(&versions, name)
        .map_err(|failure| failure.hint("a side is a folder, the beginning of an applied version, or `present`"))?;
    project::applied(&client, &version.to_string()).await
}
