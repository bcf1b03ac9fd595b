/// `RUN [--mount=…] [--network=…] [--security=…] COMMAND`
package struct RunInstruction: Hashable, Sendable {
    package enum Network: String, Hashable, Sendable, CaseIterable {
        case `default`
        case none
        case host
    }

    package enum Security: String, Hashable, Sendable, CaseIterable {
        case sandbox
        case insecure
    }

    package var command: CommandForm
    package var mounts: [MountOptions]
    package var network: Network
    package var security: Security

    /// The heredocs that the line opens, in order.
    package var heredocs: [Heredoc]

    package init(
        command: CommandForm, mounts: [MountOptions] = [], network: Network = .default,
        security: Security = .sandbox, heredocs: [Heredoc] = []
    ) {
        self.command = command
        self.mounts = mounts
        self.network = network
        self.security = security
        self.heredocs = heredocs
    }

    /// What is to be run once heredocs are taken into account.
    package enum Program: Hashable, Sendable {
        case exec([String])
        /// A script for the stage's shell. Bytes: a heredoc need not be UTF-8.
        case shell([UInt8])
        /// A heredoc that begins with `#!`: a file to be run by its interpreter.
        case file(name: String, content: [UInt8])
    }

    /// A line that is nothing but one heredoc runs its body, by the stage's shell or, when it
    /// begins with `#!`, as a program of its own. Any other line goes to the shell with its
    /// heredocs after it.
    package var program: Program {
        switch command {
        case .exec(let arguments): return .exec(arguments)
        case .shell(let text):
            guard let first = heredocs.first else { return .shell(Array(text.utf8)) }
            if isHeredocAlone(text) {
                let body = first.body
                return body.hasPrefix("#!".utf8)
                    ? .file(name: first.name, content: body) : .shell(body)
            }
            var script = Array(text.utf8)
            for heredoc in heredocs {
                script.append(0x0A)
                script.append(contentsOf: heredoc.content)
                script.append(contentsOf: heredoc.name.utf8)
            }
            return .shell(script)
        }
    }

    private func isHeredocAlone(_ text: String) -> Bool {
        // An error means that the text is no heredoc word.
        (try? Heredoc(parsing: Array(text.utf8))) != nil
    }
}
