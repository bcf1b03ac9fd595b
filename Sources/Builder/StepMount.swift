package import FileTree
package import Store

/// Something that a step sees at a place of its root file system and that is no part of its result.
package struct StepMount: Sendable {
    package enum Source: Sendable {
        /// A directory of a tree, or the one file in it that `file` names; what is written to it is
        /// thrown away.
        case tree(Tree, directories: any DirectorySource, file: EntryName?)
        /// A directory of the store that outlives the build.
        case cache(CacheMountRequest)
        /// An empty directory in memory; nil leaves its size to the kernel.
        case memory(sizeBytes: Int64?)
        case secret(StepSecret)
        case agent(StepAgent)
    }

    package var source: Source
    /// Absolute and clean.
    package var target: String
    package var isReadOnly: Bool

    package init(source: Source, target: String, isReadOnly: Bool) {
        self.source = source
        self.target = target
        self.isReadOnly = isReadOnly
    }
}

/// A secret as a file.
package struct StepSecret: Sendable {
    package var content: [UInt8]
    package var permissions: UInt32
    package var userID: UInt32
    package var groupID: UInt32
}

/// An SSH agent that a step may ask, as a socket.
package struct StepAgent: Sendable {
    package var agent: AgentSource
    package var permissions: UInt32
    package var userID: UInt32
    package var groupID: UInt32
}

extension StepRequest {
    /// What a step may beyond its root file system, and what it is given.
    package struct Surroundings: Sendable {
        /// Parents before what is mounted below them.
        package var mounts: [StepMount] = []
        /// `NAME=value` of secrets: never to reach a disk.
        package var secretEnvironment: [String] = []
        /// All capabilities, no filter, nothing masked (`--security=insecure`).
        package var isPrivileged = false
        package var resourceLimits: [ResourceLimitOption] = []
        /// Of `/dev/shm`; nil is Docker's 64 MiB.
        package var sharedMemoryBytes: Int64?
        package var extraHosts: [ExtraHost] = []

        package init() {}
    }
}
