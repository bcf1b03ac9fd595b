internal import CLinux
internal import Glibc

extension ChildProcess {
    /// What to start, and in which surroundings.
    package struct Request: Sendable {
        /// The process group that the child belongs to.
        package enum Group: Sendable {
            case inherited
            /// A session of its own, without a terminal (setsid(2)).
            case session
            case own
        }

        /// Namespaces that the child gets of its own (unshare(2)).
        package struct Namespaces: OptionSet, Sendable {
            package let rawValue: Int32
            package init(rawValue: Int32) { self.rawValue = rawValue }
            /// All mounts become slaves of the parent's: those of the child stay its own.
            package static let mount = Namespaces(rawValue: 0x0002_0000)
            package static let network = Namespaces(rawValue: 0x4000_0000)
            package static let interprocess = Namespaces(rawValue: 0x0800_0000)
            package static let hostname = Namespaces(rawValue: 0x0400_0000)
        }

        /// A mount that the child makes in its own mount namespace (mount(2)).
        package struct Mount: Hashable, Sendable {
            package var source: String
            package var target: String
            package var type: String?
            package var flags: UInt
            package var data: String?

            package init(
                source: String, target: String, type: String? = nil, flags: UInt = 0,
                data: String? = nil
            ) {
                self.source = source
                self.target = target
                self.type = type
                self.flags = flags
                self.data = data
            }
        }

        /// An absolute path.
        package var program: String
        /// Without the name of the program, which is put before them.
        package var arguments: [String]
        /// `NAME=value`.
        package var environment: [String]
        package var directory: String?
        /// Borrowed for the call; nil is /dev/null.
        package var standardInput: Int32?
        package var standardOutput: Int32?
        package var standardError: Int32?
        /// Borrowed for the call; they become descriptors 3, 4 and so on.
        package var furtherDescriptors: [Int32] = []
        package var group = Group.inherited
        package var namespaces: Namespaces = []
        /// Mount points that the child leaves out of its own mount namespace, as far as it can.
        package var detached: [String] = []
        package var mounts: [Mount] = []
        /// Sent to the child when the *thread* that started it ends (prctl(2), PR_SET_PDEATHSIG).
        package var deathSignal: Int32 = 0

        package init(
            program: String, arguments: [String], environment: [String] = [],
            directory: String? = nil, standardInput: Int32? = nil, standardOutput: Int32? = nil,
            standardError: Int32? = nil
        ) {
            self.program = program
            self.arguments = arguments
            self.environment = environment
            self.directory = directory
            self.standardInput = standardInput
            self.standardOutput = standardOutput
            self.standardError = standardError
        }
    }

    /// Why a program could not be started.
    package struct StartError: Error, Hashable, Sendable, CustomStringConvertible {
        package enum Step: String, Sendable {
            case arguments, clone, group, deathSignal, unshare, mount, directory, descriptors
            case execute
        }

        package let step: Step
        package let errno: Errno
        /// The program, the directory or the mount's target.
        package let subject: String

        package var description: String {
            let action =
                switch step {
                case .arguments: "pass the arguments to"
                case .clone: "start a process for"
                case .group: "give a process group to"
                case .deathSignal: "set the death signal of"
                case .unshare: "make namespaces for"
                case .mount: "mount"
                case .directory: "enter"
                case .descriptors: "pass the descriptors to"
                case .execute: "execute"
                }
            return "could not \(action) \(subject): \(errno)"
        }
    }
}

extension ChildProcess {
    /// The variables of this process, `NAME=value`.
    package static var ownEnvironment: [String] {
        var variables: [String] = []
        var entry = unsafe environ
        while let text = unsafe entry.pointee {
            unsafe variables.append(String(cString: text))
            unsafe entry += 1
        }
        return variables
    }
}

extension ChildProcess.Request {
    private typealias Failure = ChildProcess.StartError

    /// Starts the child; its number is the caller's to reap.
    func launch() throws(ChildProcess.StartError) -> Int32 {
        // The kernel would cut a string short at a NUL.
        let strings = [program] + arguments + environment + [directory ?? ""]
        guard !strings.contains(where: { $0.utf8.contains(0) }) else {
            throw Failure(step: .arguments, errno: .invalidArgument, subject: program)
        }
        var step = vitrine_spawn_done
        var mountIndex = 0
        let processID = unsafe withCRequest { request in
            unsafe vitrine_spawn(request, &step, &mountIndex)
        }
        if processID >= 0 { return processID }
        throw failure(step, mountIndex, Errno.current)
    }

    private func failure(
        _ step: vitrine_spawn_step, _ mountIndex: Int, _ errno: Errno
    ) -> ChildProcess.StartError {
        let (name, subject): (Failure.Step, String) =
            switch step {
            case vitrine_spawn_clone: (.clone, program)
            case vitrine_spawn_group: (.group, program)
            case vitrine_spawn_death_signal: (.deathSignal, program)
            case vitrine_spawn_unshare: (.unshare, program)
            case vitrine_spawn_mount:
                (.mount, mounts.indices.contains(mountIndex) ? mounts[mountIndex].target : "/")
            case vitrine_spawn_directory: (.directory, directory ?? "")
            case vitrine_spawn_descriptors: (.descriptors, program)
            default: (.execute, program)
            }
        return Failure(step: name, errno: errno, subject: subject)
    }

    func withCRequest(
        _ body: (UnsafePointer<vitrine_spawn_request>) -> Int32
    ) -> Int32 {
        let texts = CStrings()
        var arguments = unsafe texts.array([program] + self.arguments)
        var environment = unsafe texts.array(self.environment)
        let mounts = unsafe self.mounts.map { mount in
            unsafe vitrine_mount(
                source: texts.text(mount.source), target: texts.text(mount.target),
                type: mount.type.map { unsafe texts.text($0) }, flags: mount.flags,
                data: mount.data.map { unsafe texts.text($0) })
        }
        let detached = unsafe self.detached.map { unsafe Optional(texts.text($0)) }
        let descriptors =
            [standardInput ?? -1, standardOutput ?? -1, standardError ?? -1] + furtherDescriptors
        let group: Int32 =
            switch self.group {
            case .inherited: 0
            case .session: 1
            case .own: 2
            }
        return unsafe mounts.withUnsafeBufferPointer { mounts in
            unsafe descriptors.withUnsafeBufferPointer { descriptors in
                unsafe detached.withUnsafeBufferPointer { detached in
                    unsafe arguments.withUnsafeMutableBufferPointer { arguments in
                        unsafe environment.withUnsafeMutableBufferPointer { environment in
                            var request = unsafe vitrine_spawn_request(
                                group: group, death_signal: deathSignal,
                                unshare_flags: namespaces.rawValue,
                                detached: detached.baseAddress, detached_count: detached.count,
                                mounts: mounts.baseAddress, mount_count: mounts.count,
                                directory: directory.map { unsafe UnsafePointer(texts.text($0)) },
                                descriptors: descriptors.baseAddress,
                                descriptor_count: descriptors.count,
                                program: texts.text(program), arguments: arguments.baseAddress,
                                environment: environment.baseAddress)
                            return unsafe body(&request)
                        }
                    }
                }
            }
        }
    }
}

/// C strings that live as long as their owner.
@safe private final class CStrings {
    private var pointers: [UnsafeMutablePointer<CChar>] = unsafe []

    deinit { unsafe pointers.forEach { unsafe free($0) } }

    func text(_ string: String) -> UnsafeMutablePointer<CChar> {
        guard let copy = unsafe strdup(string) else { preconditionFailure("out of memory") }
        unsafe pointers.append(copy)
        return unsafe copy
    }

    /// Ends with a null pointer, as execve(2) wants it.
    func array(_ strings: [String]) -> [UnsafeMutablePointer<CChar>?] {
        unsafe strings.map { unsafe text($0) } + [nil]
    }
}
