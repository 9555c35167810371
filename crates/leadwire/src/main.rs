//! The `leadwire` program: hands the command line to the library.

fn main() -> std::process::ExitCode {
    leadwire::cli::main()
}
