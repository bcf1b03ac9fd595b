package import FileTree
package import Sandbox
package import Store

/// Runs the processes of a build's steps. The builder knows nothing of mounts and runtimes: this
/// is the seam behind which they are.
package protocol StepExecutor: Sendable {
    /// Runs a process in a writable view of `request.tree` and freezes what it left.
    ///
    /// Blocks the calling thread until the process and everything it started have ended. New
    /// directories of the result go to `context.directories`, new contents through
    /// `context.ingest`.
    /// A process that ran and failed is a result; it has a tree too, so that people can look at it.
    /// So is one that the cancellation ended, but nobody waits for what it left: that is thrown
    /// away.
    /// - Throws: when the process could not be prepared or started, or its state not be frozen.
    ///   An unknown user, a missing program and a working directory that is no directory are
    ///   such errors.
    func run(_ request: StepRequest, in context: StepContext) throws -> StepResult

    /// Lets people look, if they want to, at the root file system on which a step failed that runs no
    /// process; `request` says as whom and where, and has no arguments.
    ///
    /// Blocks until they have seen enough.
    /// - Parameter failure: what went wrong, for them.
    /// - Returns: what they left, for the gallery; nil where nobody looked.
    func showFailure(
        _ failure: String, _ request: StepRequest, in context: StepContext
    ) throws -> Tree?
}

/// The process of one RUN instruction.
package struct StepRequest: Sendable {
    /// Where the process runs. All its directories and objects are stored and held by the lease.
    package var tree: Tree
    /// The program and its arguments; the program is looked up in the environment's `PATH`.
    package var arguments: [String]
    /// `NAME=value`; `PATH` is always among them, `HOME` only if the image or the build sets it.
    package var environment: [String]
    /// Absolute. It exists in the tree unless the image names a directory that it does not have;
    /// then the executor makes it, as the runtimes do.
    package var workingDirectory: String
    /// As `USER` wrote it, to be resolved in the tree's own account files; empty is root.
    package var user: String
    package var network: Network
    package var hostname: String
    /// Files that the process sees beside the tree, and that are no part of the result.
    package var files: [StepFile]
    package var surroundings: Surroundings

    package init(
        tree: Tree, arguments: [String], environment: [String], workingDirectory: String = "/",
        user: String = "", network: Network = .host, hostname: String = "buildkitsandbox",
        files: [StepFile] = [], surroundings: Surroundings = Surroundings()
    ) {
        self.tree = tree
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.user = user
        self.network = network
        self.hostname = hostname
        self.files = files
        self.surroundings = surroundings
    }
}

/// A read-only file for a step: a heredoc with a `#!` line.
package struct StepFile: Hashable, Sendable {
    /// Absolute. Files below `/dev` are mounted over the container's own `/dev`.
    package var path: String
    package var permissions: UInt16
    package var content: [UInt8]

    package init(path: String, permissions: UInt16, content: [UInt8]) {
        self.path = path
        self.permissions = permissions
        self.content = content
    }
}

/// What a step may use while it runs.
package struct StepContext: Sendable {
    package let store: Store
    package let lease: Lease
    /// Where the result's new directories go.
    package let directories: PendingDirectories
    package let output: any StepOutput
    package let cancellation: Cancellation

    package init(
        store: Store, lease: Lease, directories: PendingDirectories,
        output: any StepOutput, cancellation: Cancellation
    ) {
        self.store = store
        self.lease = lease
        self.directories = directories
        self.output = output
        self.cancellation = cancellation
    }

    /// A new way into the object store. The collector waits while one lives: it is to be made when
    /// the process has ended, not before.
    package var ingest: ObjectIngest {
        get throws { try store.ingest(lease) }
    }
}

/// Takes what a step prints, as it comes. Thread-safe.
package protocol StepOutput: Sendable {
    /// Bytes of the standard output and the standard error alike, cut anywhere.
    func write(_ bytes: [UInt8])
}

/// How a process ended and what it left.
package struct StepResult: Sendable {
    package enum Ending: Hashable, Sendable {
        /// The process's code; 128 and the number for a signal.
        case exited(Int32)
        /// The cancellation ended it.
        case cancelled
    }

    package var ending: Ending
    /// The frozen root file system, of failed processes too; of cancelled ones the one they had.
    package var tree: Tree

    package init(ending: Ending, tree: Tree) {
        self.ending = ending
        self.tree = tree
    }
}
