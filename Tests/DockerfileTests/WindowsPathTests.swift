import Testing

@testable import Dockerfile

@Suite struct WindowsPathTests {
    @Test(arguments: [
        (#"C:\"#, "/"), (#"c:\app\x"#, "/app/x"), ("C:/app/", "/app/"), (#"C:app"#, "app"),
        (#"\app\"#, "/app/"), ("/app", "/app"), (#"a\b/c"#, "a/b/c"), (#".\x"#, "./x"),
        ("a", "a"), ("", ""), ("C:.", "."), (#"*.ps?"#, "*.ps?"),
    ])
    func `the drive goes and slashes come`(_ text: String, _ path: String) throws {
        #expect(try WindowsPath.normalized(text) == path)
        #expect(WindowsPath.isAbsolute(text) == path.hasPrefix("/"))
    }

    @Test(arguments: [
        ("C:", #"No relative path specified in "C:""#),
        (#"D:\x"#, "The specified path is not on the system drive (C:)"),
        ("cc:x", "The specified path is not on the system drive (C:)"),
        (":x", "The specified path is not on the system drive (C:)"),
        (#"\\.\C$\a"#, "UNC paths are not supported"), ("//x", "UNC paths are not supported"),
        (#"\/x"#, "UNC paths are not supported"),
    ])
    func `what no image has is a mistake`(_ text: String, _ message: String) {
        #expect(throws: WindowsPath.Mistake(message: message)) {
            try WindowsPath.normalized(text)
        }
        #expect(!WindowsPath.isAbsolute(text))
    }

    @Test func `the config has backslashes`() {
        #expect(WindowsPath.withBackslashes("/a b/c") == #"\a b\c"#)
    }
}
