/// A file whose content stands in the Dockerfile itself, as a heredoc.
package struct InlineFile: Hashable, Sendable {
    /// The heredoc's word: the file's name when the destination is a directory.
    package var name: String
    package var content: [UInt8]
    /// Whether variables in `content` are still to be expanded.
    package var expands: Bool

    package init(name: String, content: [UInt8], expands: Bool) {
        self.name = name
        self.content = content
        self.expands = expands
    }
}

/// What COPY and ADD have in common: what goes where, and as whose.
package struct CopyTransfer: Hashable, Sendable {
    package var sources: [String]
    package var inlineFiles: [InlineFile]
    package var destination: String
    package var chown: String?
    package var chmod: String?
    package var link: Bool
    /// Patterns of sources that are left out.
    package var excludes: [String]

    package init(
        sources: [String], inlineFiles: [InlineFile] = [], destination: String,
        chown: String? = nil, chmod: String? = nil, link: Bool = false, excludes: [String] = []
    ) {
        self.sources = sources
        self.inlineFiles = inlineFiles
        self.destination = destination
        self.chown = chown
        self.chmod = chmod
        self.link = link
        self.excludes = excludes
    }
}

/// `COPY [--from=…] [--chown=…] [--chmod=…] [--link] [--parents] [--exclude=…] SOURCE… DESTINATION`
package struct CopyInstruction: Hashable, Sendable {
    package var transfer: CopyTransfer
    /// A stage's name or number or an image; nil for the build context.
    package var from: String?
    package var parents: Bool

    package init(transfer: CopyTransfer, from: String? = nil, parents: Bool = false) {
        self.transfer = transfer
        self.from = from
        self.parents = parents
    }
}

/// `ADD [--checksum=…] [--keep-git-dir] [--unpack] … SOURCE… DESTINATION`
package struct AddInstruction: Hashable, Sendable {
    package var transfer: CopyTransfer
    package var checksum: String?
    package var keepGitDir: Bool?
    /// Nil: archives of the build context are unpacked, downloaded ones are not.
    package var unpack: Bool?

    package init(
        transfer: CopyTransfer, checksum: String? = nil, keepGitDir: Bool? = nil,
        unpack: Bool? = nil
    ) {
        self.transfer = transfer
        self.checksum = checksum
        self.keepGitDir = keepGitDir
        self.unpack = unpack
    }
}
