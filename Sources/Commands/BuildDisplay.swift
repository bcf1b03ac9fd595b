internal import Builder
internal import Dispatch
internal import Engine
internal import Glibc

/// How a build's progress is shown.
final class BuildDisplay {
    let observer: any BuildObserver
    private var stop: (() -> Void)?

    init(_ progress: BuildCommand.Progress, quiet: Bool) {
        let isLive =
            progress == .tty
            || (progress == .auto && Terminal.errorIsTerminal && !HostTerminal.isDumb)
        switch progress {
        case _ where quiet, .quiet: observer = QuietProgress()
        case .rawjson: observer = RawProgress { StandardStream.error.write($0) }
        case _ where !isLive:
            observer = PlainProgress(isTerminal: Terminal.errorIsTerminal) {
                StandardStream.error.write($0)
            }
        default:
            let terminal = TerminalProgress(size: {
                let size = HostTerminal.size(of: STDERR_FILENO)
                return .init(columns: size.columns, rows: size.rows)
            }) { Terminal.writeError($0) }
            observer = terminal
            let timer = DispatchSource.makeTimerSource()
            timer.schedule(deadline: .now(), repeating: .milliseconds(100))
            timer.setEventHandler { terminal.tick() }
            timer.activate()
            stop = {
                timer.cancel()
                terminal.finish()
            }
        }
    }

    func finish() {
        stop?()
        stop = nil
    }
}
