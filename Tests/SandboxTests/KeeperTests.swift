import Glibc
import LinuxIO
import Testing

@testable import Sandbox

/// What it does when its owner is killed, `KillTests` sees.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct KeeperTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let path = "/tmp/vitrine-keeper-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try HostDirectory.makeAll(path + "/state")
        defer { try? HostDirectory.removeAll(path) }
        try body(path)
    }

    /// Writes the names that it is given to a file.
    private func recorder(_ directory: String) -> ChildProcess.Request {
        ChildProcess.Request(
            program: "/bin/sh",
            arguments: ["-c", "echo \"$0\" >> \(directory)/ended; rm -r \(directory)/state/$0"])
    }

    private func ended(_ directory: String) throws -> [String] {
        guard HostDirectory.exists(directory + "/ended") else { return [] }
        let file = try OwnedDescriptor(opening: directory + "/ended", .readOnly)
        return String(
            decoding: try DescriptorIO.readAll(file.rawValue, limit: 1 << 16), as: UTF8.self
        ).split(separator: "\n").map(String.init).sorted()
    }

    @Test func `letting go of it ends nothing`() throws {
        try withDirectory { directory in
            try HostDirectory.make(directory + "/state/a")
            do {
                let keeper = try KeeperProcess(
                    directory: directory + "/state", running: recorder(directory))
                _ = keeper
            }
            usleep(50_000)
            #expect(try ended(directory) == [])
            #expect(HostDirectory.exists(directory + "/state/a"))
        }
    }
}

@Suite(.serialized, .timeLimit(.minutes(30)))
struct SocketForwarderTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let path = "/tmp/vitrine-socket-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try HostDirectory.makeAll(path)
        defer { try? HostDirectory.removeAll(path) }
        try body(path)
    }

    /// Waits for what has come.
    private func receive(_ descriptor: Int32, _ count: Int) throws -> [UInt8] {
        var received: [UInt8] = []
        while received.count < count {
            _ = try DescriptorIO.waitForInput([descriptor])
            var chunk = [UInt8](repeating: 0, count: 4096)
            let part = try DescriptorIO.read(descriptor, into: &chunk)
            if part == 0 { break }
            received += chunk.prefix(part)
        }
        return received
    }

    private func accept(_ listener: Int32) throws -> OwnedDescriptor {
        _ = try DescriptorIO.waitForInput([listener])
        return try UnixSocket.accept(listener)
    }

    @Test func `bytes go both ways, of several connections at once`() throws {
        try withDirectory { directory in
            let agent = try UnixSocket.listen("agent", in: directory)
            let forwarder = try SocketForwarder(
                listeningOn: "own", in: directory, to: directory + "/agent")
            let one = try UnixSocket.connect(to: directory + "/own")
            let farOne = try accept(agent.rawValue)
            let two = try UnixSocket.connect(to: directory + "/own")
            let farTwo = try accept(agent.rawValue)
            #expect(try UnixSocket.send(one.rawValue, [1, 2]) == 2)
            #expect(try UnixSocket.send(two.rawValue, [3]) == 1)
            #expect(try receive(farTwo.rawValue, 1) == [3])
            #expect(try receive(farOne.rawValue, 2) == [1, 2])
            #expect(try UnixSocket.send(farOne.rawValue, [4]) == 1)
            #expect(try receive(one.rawValue, 1) == [4])
            forwarder.stop()
            #expect(try receive(one.rawValue, 1) == [])
        }
    }

    @Test func `an end goes through, and what was asked is answered all the same`() throws {
        try withDirectory { directory in
            let agent = try UnixSocket.listen("agent", in: directory)
            let forwarder = try SocketForwarder(
                listeningOn: "own", in: directory, to: directory + "/agent")
            let client = try UnixSocket.connect(to: directory + "/own")
            let far = try accept(agent.rawValue)
            _ = try UnixSocket.send(client.rawValue, [1])
            UnixSocket.endSending(client.rawValue)
            #expect(try receive(far.rawValue, 2) == [1])
            let answer = [UInt8](repeating: 7, count: 100_000)
            var sent = 0
            var received = 0
            while received < answer.count {
                sent += try UnixSocket.send(far.rawValue, Array(answer[sent...]))
                received += try receive(client.rawValue, 1).count
            }
            #expect(received == 100_000)
            withExtendedLifetime(forwarder) {}
        }
    }

    @Test func `without an agent a connection ends`() throws {
        try withDirectory { directory in
            let forwarder = try SocketForwarder(
                listeningOn: "own", in: directory, to: directory + "/nobody")
            let client = try UnixSocket.connect(to: directory + "/own")
            #expect(try receive(client.rawValue, 1) == [])
            withExtendedLifetime(forwarder) {}
        }
    }

    @Test func `paths longer than a socket's address are no obstacle`() throws {
        try withDirectory { directory in
            let deep = directory + "/" + String(repeating: "d", count: 200)
            try HostDirectory.make(deep)
            let agent = try UnixSocket.listen("agent", in: deep)
            let client = try UnixSocket.connect(to: deep + "/agent")
            _ = try accept(agent.rawValue)
            withExtendedLifetime(client) {}
        }
    }
}
