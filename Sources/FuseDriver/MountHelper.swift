internal import CFuse
internal import Glibc

/// fusermount3, libfuse's setuid program that mounts for users who may not.
enum MountHelper {
    private static let program = "fusermount3"
    /// Tells the program over which socket to send the device (libfuse's mount protocol).
    private static let socketVariable = "_FUSE_COMMFD"

    /// Whether the program is where processes are looked for.
    static var isInstalled: Bool {
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/bin:/bin"
        return path.split(separator: ":").contains { directory in
            unsafe access("\(directory)/\(program)", X_OK) == 0
        }
    }

    /// Mounts and returns the device.
    /// - Throws: code `mountHelperMissing` or `failed`, with what the program said.
    static func mount(
        at mountPoint: [UInt8], options: String
    ) throws(FuseError) -> OwnedDescriptor {
        var sockets: [Int32] = [-1, -1]
        try makeSocketPair(&sockets)
        let ours = OwnedDescriptor(adopting: sockets[0])
        let theirs = OwnedDescriptor(adopting: sockets[1])
        let outcome = try run(
            [Array("-o".utf8), Array(options.utf8), Array("--".utf8), mountPoint],
            environment: ["\(socketVariable)=\(theirs.rawValue)"], inheriting: theirs.rawValue)
        // The program has ended: what it sent lies in the socket, or its other end is closed.
        close(theirs.take())
        let device = vitrine_receive_descriptor(ours.rawValue)
        guard outcome.status == 0, device >= 0 else {
            if device >= 0 { close(device) }
            throw FuseError(
                .failed, "\(program) could not mount on \(mountPoint.displayed)",
                remedy: outcome.output.isEmpty ? nil : outcome.output)
        }
        return OwnedDescriptor(adopting: device)
    }

    /// - Throws: code `mountHelperMissing` or `failed`, with what the program said.
    static func unmount(_ mountPoint: [UInt8], lazily: Bool) throws(FuseError) {
        let flags = lazily ? ["-u", "-z", "--"] : ["-u", "--"]
        let outcome = try run(
            flags.map { Array($0.utf8) } + [mountPoint], environment: [], inheriting: nil)
        guard outcome.status == 0 else {
            throw FuseError(
                .failed, "\(program) could not unmount \(mountPoint.displayed)",
                remedy: outcome.output.isEmpty ? nil : outcome.output)
        }
    }

    private static func makeSocketPair(_ pair: inout [Int32]) throws(FuseError) {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, kind, 0, &pair) == 0 else {
            throw FuseError.outOfResources("a socket pair", errno: errno)
        }
    }

    private struct Outcome {
        var status: Int32
        /// Standard error, trimmed.
        var output: String
    }

    private static func run(
        _ arguments: [[UInt8]], environment: [String], inheriting descriptor: Int32?
    ) throws(FuseError) -> Outcome {
        var pipes: [Int32] = [-1, -1]
        try makeSocketPair(&pipes)
        let reading = OwnedDescriptor(adopting: pipes[0])
        let writing = OwnedDescriptor(adopting: pipes[1])

        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, writing.rawValue, 2)
        if let descriptor {
            // The same number twice clears close-on-exec.
            unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, descriptor)
        }

        let argumentVector = CStringArray([Array(program.utf8)] + arguments)
        let environmentVector = CStringArray(
            environment.map { Array($0.utf8) } + CStringArray.currentEnvironment())
        var child: pid_t = 0
        let failure = unsafe posix_spawnp(
            &child, program, &actions, nil, argumentVector.pointers, environmentVector.pointers)
        guard failure == 0 else {
            throw FuseError(
                .mountHelperMissing, "starting \(program)",
                remedy: "mounting as an ordinary user needs it: install the package fuse3",
                errno: failure)
        }
        close(writing.take())
        let output = ProcFile.contents(of: reading.rawValue) ?? []
        var status: Int32 = 0
        while unsafe waitpid(child, &status, 0) < 0 && errno == EINTR {}
        let text = output.displayed.split(separator: "\n").joined(separator: "\n")
        return Outcome(status: status, output: text)
    }
}

/// A NULL-terminated array of C strings, as exec(3) takes them.
@safe
private final class CStringArray {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [[UInt8]]) {
        count = strings.count
        unsafe pointers = .allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() {
            unsafe pointers[index] = string.withCString { unsafe strdup($0) }
        }
        unsafe pointers[count] = nil
    }

    deinit {
        for index in 0..<count { unsafe free(pointers[index]) }
        unsafe pointers.deallocate()
    }

    static func currentEnvironment() -> [[UInt8]] {
        (ProcFile.contents(Array("/proc/self/environ".utf8)) ?? [])
            .split(separator: 0).map(Array.init)
    }
}
