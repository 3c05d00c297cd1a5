//! The program `tubeatlas`, with the feature `otel`.

fn main() -> std::process::ExitCode {
    tubeatlas::cli::main()
}
