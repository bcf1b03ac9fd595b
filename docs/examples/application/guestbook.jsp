<%@ page contentType="text/html; charset=UTF-8" pageEncoding="UTF-8" import="java.sql.*" %><%!
    /** What may have been typed by anybody, as text of a page. */
    static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }

    public void jspInit() {
        try {
            Class.forName("org.h2.Driver");
            try (Connection database = open(); Statement statement = database.createStatement()) {
                statement.execute("CREATE TABLE IF NOT EXISTS entries ("
                    + "id IDENTITY PRIMARY KEY, name VARCHAR(100), text VARCHAR(1000))");
            }
        } catch (ClassNotFoundException | SQLException error) {
            throw new RuntimeException(error);
        }
    }

    static Connection open() throws SQLException {
        return DriverManager.getConnection("jdbc:h2:file:/var/lib/guestbook/entries;WRITE_DELAY=0");
    }
%><!DOCTYPE html>
<title>Guest book</title>
<h1>Guest book</h1>
<%
    request.setCharacterEncoding("UTF-8");
    try (Connection database = open()) {
        if ("POST".equals(request.getMethod())) {
            try (PreparedStatement insert = database.prepareStatement(
                    "INSERT INTO entries (name, text) VALUES (?, ?)")) {
                insert.setString(1, request.getParameter("name"));
                insert.setString(2, request.getParameter("text"));
                insert.executeUpdate();
            }
        }
        try (Statement select = database.createStatement();
                ResultSet rows = select.executeQuery("SELECT name, text FROM entries ORDER BY id")) {
            while (rows.next()) {
%><p><b><%= escaped(rows.getString(1)) %></b>: <%= escaped(rows.getString(2)) %></p>
<%
            }
        }
    }
%><form method="post">
<input name="name" placeholder="Name"> <input name="text" placeholder="Text"> <button>Sign</button>
</form>
