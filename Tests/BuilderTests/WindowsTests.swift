import Builder
import ImageSpec
import Testing

@Suite("Images of Windows")
struct WindowsTests {
    private func platform(_ options: inout BuildOptions) {
        options.platform = Platform(os: "windows", architecture: "amd64")
    }

    @Test func `paths of Windows are those of the image`() throws {
        let fixture = try BuildFixture()
        try fixture.write("a.ps1", "a")
        try fixture.write("setup/x.msi", "x")
        let built = try fixture.build(
            #"""
            # escape=`
            FROM scratch AS b
            COPY setup\x.msi C:\out\dir\
            FROM scratch
            WORKDIR C:\foo
            COPY a.ps1 .
            WORKDIR bar\..\sub
            COPY a.ps1 C:\TEMP\
            COPY a.ps1 c:/ProgramData/J/
            COPY --link a.ps1 \abs\
            COPY *.ps1 in\
            COPY --from=b C:\out\dir\x.msi x.msi
            COPY --parents setup\x.msi C:\kept
            COPY <<E C:\here\doc.txt
            hi
            E
            ADD setup\x.msi C:\add.msi
            """#, platform)
        #expect(
            try fixture.listing(built.tree) == [
                "/ProgramData/ 755 0:0", "/ProgramData/J/ 755 0:0",
                "/ProgramData/J/a.ps1 644 0:0 a", "/TEMP/ 755 0:0", "/TEMP/a.ps1 644 0:0 a",
                "/abs/ 755 0:0", "/abs/a.ps1 644 0:0 a", "/add.msi 644 0:0 x",
                "/foo/ 755 0:0", "/foo/a.ps1 644 0:0 a", "/foo/sub/ 755 0:0",
                "/foo/sub/in/ 755 0:0", "/foo/sub/in/a.ps1 644 0:0 a",
                "/foo/sub/x.msi 644 0:0 x", "/here/ 755 0:0", "/here/doc.txt 644 0:0 hi\n",
                "/kept/ 755 0:0", "/kept/setup/ 755 0:0", "/kept/setup/x.msi 644 0:0 x",
            ])
        #expect(built.config.config.workingDirectory == #"\foo\sub"#)
        #expect(
            built.history.prefix(4) == [
                "WORKDIR /foo", "COPY a.ps1 . # buildkit", "WORKDIR /foo/sub",
                #"COPY a.ps1 C:\TEMP\ # buildkit"#,
            ])
    }

    @Test func `a working directory that the base has is one of the image`() throws {
        let fixture = try BuildFixture()
        try fixture.write("a.ps1", "a")
        try fixture.makeImage("base") {
            $0.os = "windows"
            $0.config.workingDirectory = #"C:\app"#
        }
        let built = try fixture.build("FROM base AS one\nFROM one\nCOPY a.ps1 .", platform)
        #expect(try fixture.node("/app/a.ps1", in: built.tree) != nil)
        #expect(built.config.config.workingDirectory == #"\app"#)
        let empty = try fixture.build("FROM scratch\nLABEL a=b", platform)
        #expect(empty.config.config.workingDirectory == #"\"#)
    }

    @Test(arguments: [
        (#"WORKDIR D:\x"#, "The specified path is not on the system drive (C:)"),
        (#"COPY a.ps1 d:/x"#, "The specified path is not on the system drive (C:)"),
        (#"COPY e:a.ps1 /"#, "The specified path is not on the system drive (C:)"),
        (#"ADD a.ps1 \\host\share"#, "UNC paths are not supported"),
        (#"WORKDIR C:"#, #"No relative path specified in "C:""#),
    ])
    func `what is on another drive or host is refused`(_ line: String, _ message: String) throws {
        let fixture = try BuildFixture()
        try fixture.write("a.ps1", "a")
        let failure = try fixture.failure("# escape=`\nFROM scratch\n\(line)", platform)
        #expect(failure.code == .invalidDestination)
        #expect(failure.message == message)
    }

    @Test func `for Linux they are names like others`() throws {
        let fixture = try BuildFixture()
        try fixture.write("a.ps1", "a")
        let built = try fixture.build("# escape=`\nFROM scratch\nWORKDIR /w\nCOPY a.ps1 C:\\x\\")
        #expect(try fixture.listing(built.tree) == ["/w/ 755 0:0", #"/w/C:\x\ 644 0:0 a"#])
    }
}
