internal import Foundation
internal import LinuxIO

/// `git daemon` on the loopback, which ends with this object.
package final class GitDaemon {
    package let port: Int
    private let process: ChildProcess

    /// - Parameter directory: holds the repositories.
    package init(serving directory: String) throws {
        // A port that was free a moment ago.
        let server = try LoopbackServer()
        port = server.port
        _ = try server.requests()
        var request = ChildProcess.Request(
            program: "/usr/bin/git",
            arguments: [
                "daemon", "--reuseaddr", "--listen=127.0.0.1", "--port=\(port)", "--export-all",
                "--base-path=\(directory)", directory,
            ],
            environment: [
                "PATH=/usr/bin:/bin", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory",
                "GIT_CONFIG_VALUE_0=*",
            ])
        request.group = .own
        process = try ChildProcess.start(request)
    }

    deinit {
        process.killGroup(15)
        _ = process.wait()
    }
}
