internal import LinuxIO

/// Ends the containers of a runtime when this process is killed: `kill -9` ends a build and what its
/// commands run, too.
///
/// One for each directory of the runtime's state, for as long as containers may be in it.
package final class ContainerKeeper: Sendable {
    private let process: KeeperProcess

    /// - Throws: `runtimeFailed`.
    package init(of runtime: ContainerRuntime) throws(SandboxError) {
        var request = runtime.command(["delete", "--force"])
        // The sealed program goes with this process.
        request.program = runtime.choice.path
        do throws(ChildProcess.StartError) {
            process = try KeeperProcess(directory: runtime.stateRoot, running: request)
        } catch {
            throw SandboxError(
                .runtimeFailed, "could not see to the end of containers: \(error)")
        }
    }
}
