// The instructions that only change the image's configuration.

/// `CMD COMMAND`: what a container runs by default, or the entry point's default arguments.
package struct CmdInstruction: Hashable, Sendable {
    package var command: CommandForm

    package init(command: CommandForm) {
        self.command = command
    }
}

/// `ENTRYPOINT COMMAND`
package struct EntrypointInstruction: Hashable, Sendable {
    package var command: CommandForm

    package init(command: CommandForm) {
        self.command = command
    }
}

/// `SHELL ["program", "argument", …]`: what runs the shell form from here on.
package struct ShellInstruction: Hashable, Sendable {
    package var shell: [String]

    package init(shell: [String]) {
        self.shell = shell
    }
}

/// `WORKDIR PATH`; a relative path is relative to the working directory before it.
package struct WorkdirInstruction: Hashable, Sendable {
    package var path: String

    package init(path: String) {
        self.path = path
    }
}

/// `USER NAME[:GROUP]` or `USER UID[:GID]`
package struct UserInstruction: Hashable, Sendable {
    package var user: String

    package init(user: String) {
        self.user = user
    }
}

/// `EXPOSE PORT[/PROTOCOL] …`, sorted as Docker sorts them.
package struct ExposeInstruction: Hashable, Sendable {
    package var ports: [String]

    package init(ports: [String]) {
        self.ports = ports
    }
}

/// `VOLUME PATH …` or `VOLUME ["PATH", …]`
package struct VolumeInstruction: Hashable, Sendable {
    package var paths: [String]

    package init(paths: [String]) {
        self.paths = paths
    }
}

/// `STOPSIGNAL SIGNAL`: a name or a number.
package struct StopsignalInstruction: Hashable, Sendable {
    package var signal: String

    package init(signal: String) {
        self.signal = signal
    }
}

/// `MAINTAINER NAME`: deprecated in favour of a label.
package struct MaintainerInstruction: Hashable, Sendable {
    package var name: String

    package init(name: String) {
        self.name = name
    }
}

/// `ONBUILD INSTRUCTION`: kept in the image and run at the start of a build on top of it.
package struct OnbuildInstruction: Hashable, Sendable {
    /// The instruction's text, heredocs included, as the image's configuration keeps it.
    package var trigger: String

    package init(trigger: String) {
        self.trigger = trigger
    }
}
