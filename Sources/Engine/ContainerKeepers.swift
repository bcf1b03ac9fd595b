internal import Sandbox
internal import Synchronization

/// The keepers of a build's containers: one for each directory where the runtime keeps their state.
final class ContainerKeepers: Sendable {
    private let keepers = Mutex<[String: ContainerKeeper]>([:])

    /// Sees to it that the runtime's containers end with this process.
    func keep(_ runtime: ContainerRuntime) throws(SandboxError) {
        if keepers.withLock({ $0[runtime.stateRoot] }) != nil { return }
        let keeper = try ContainerKeeper(of: runtime)
        // Of two that were made at once the second goes again.
        keepers.withLock { keepers in
            if keepers[runtime.stateRoot] == nil { keepers[runtime.stateRoot] = keeper }
        }
    }
}
