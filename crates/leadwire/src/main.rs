//! The `leadwire` program: hands the command line to the library.

/// Measured: a fifth of the time of intake went into the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    leadwire::cli::main()
}
